"""Which optimizers there are, and the options of each with the values that MLX takes when none is given.

adafactor is not offered: with MLX's defaults it ignores the learning rate.
"""

from __future__ import annotations

from typing import Any, Literal

OptimizerName = Literal["adam", "adamw", "sgd", "muon"]

_ADAM = {"betas": (0.9, 0.999), "eps": 1e-8, "bias_correction": False}

OPTIONS: dict[OptimizerName, dict[str, Any]] = {
    "adam": _ADAM,
    "adamw": {**_ADAM, "weight_decay": 0.01},
    "sgd": {"momentum": 0.0, "weight_decay": 0.0, "dampening": 0.0, "nesterov": False},
    "muon": {"momentum": 0.95, "weight_decay": 0.01, "nesterov": True, "ns_steps": 5},
}

OPTION_NAMES = tuple(dict.fromkeys(name for options in OPTIONS.values() for name in options))

HIGHEST_RATE = {"adam": 1.0, "adamw": 1.0, "muon": 1.0}
"""These move every weight by about the learning rate, whatever the gradient, so that no weight survives more."""


def option_problem(optimizer: OptimizerName, given: dict[str, Any]) -> str | None:
    """What is wrong with the options somebody gave, if anything."""
    known = OPTIONS[optimizer]
    for name in given:
        if name not in known:
            takers = [other for other, options in OPTIONS.items() if name in options]
            return f"{name} does nothing with optimizer {optimizer}; use {', '.join(takers)}"
    force = {**known, **given}
    if optimizer == "sgd" and force["nesterov"] and (not force["momentum"] or force["dampening"]):
        return "nesterov needs a momentum above 0 and no dampening"
    return None
