"""The first weights of a run that goes on from another one's adapter. Runs in the training child."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import mlx.core as mx

from punie.errors import UsageError
from punie.training.adapter import AdapterFolder, read_adapter
from punie.training.checkpoint import flat
from punie.training.plan import TrainingPlan

_SHOWN = 3


def load_start(plan: TrainingPlan, model: Any) -> Path:
    """Give the model, whose trainable parts are open, the weights of `plan.resume_from`. Returns its folder.

    Raises UsageError where that adapter is of another form than the plan's: a weight too many or too few, another
    shape, another scale.
    """
    folder = Path(str(plan.resume_from))
    _require_same_form(folder, plan)
    weights = cast(dict[str, mx.array], mx.load(str(AdapterFolder(folder).weights)))
    _require_same_shapes(folder, weights, flat(model.trainable_parameters()))
    model.load_weights(list(weights.items()), strict=False)
    return folder


def _require_same_form(folder: Path, plan: TrainingPlan) -> None:
    """Scale and kind are in no shape, and decide what the weights do."""
    config = read_adapter(folder).config
    there = {"fine_tune_type": config.get("fine_tune_type", "lora")}
    if plan.fine_tune_type != "full":
        there["scale"] = (config.get("lora_parameters") or {}).get("scale")
    for key, value in there.items():
        if value != getattr(plan, key):
            option = f"--{key.replace('_', '-')} {value}"
            raise _unfit(folder, f"its {key} is {value}, the plan's {getattr(plan, key)}", f"Give {option}.")


def _require_same_shapes(folder: Path, weights: dict[str, mx.array], wanted: dict[str, mx.array]) -> None:
    problems = [f"it has no {name}" for name in wanted if name not in weights]
    problems += [f"the plan has no {name}" for name in weights if name not in wanted]
    problems += [
        f"{name} is {_shape(weights[name])}, the plan's {_shape(wanted[name])}"
        for name in wanted
        if name in weights and weights[name].shape != wanted[name].shape
    ]
    if problems:
        more = f", and {len(problems) - _SHOWN} more such weights" if len(problems) > _SHOWN else ""
        raise _unfit(
            folder,
            "; ".join(problems[:_SHOWN]) + more,
            "Give the rank, num_layers and keys that its adapter_config.json names.",
        )


def _shape(array: mx.array) -> str:
    return " x ".join(map(str, array.shape))


def _unfit(folder: Path, why: str, hint: str) -> UsageError:
    return UsageError(f"Training cannot begin with this adapter: {why}.", where=str(folder), hint=hint)
