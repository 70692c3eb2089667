"""The child's side of the echo: every field of the plan, read from the objects that are about to train."""

from __future__ import annotations

from typing import Any

import mlx.core as mx
from mlx import nn
from mlx.optimizers import Optimizer
from mlx_lm.tuner.dora import DoRAEmbedding, DoRALinear
from mlx_lm.tuner.lora import LoRASwitchLinear

from punie.training import modules
from punie.training.checkpoint import flat
from punie.training.last_layer import is_checkpointed
from punie.training.optimizer import OPTION_NAMES


def read_model(model: Any, tokenizer: Any) -> dict[str, Any]:
    """From the modules: which kind of tuning, on how many layers, with which rank, scale and dropout."""
    adapters = [module for _, module in model.named_modules() if "lora_a" in module]
    kinds = {"dora" if isinstance(module, DoRALinear | DoRAEmbedding) else "lora" for module in adapters}
    return {
        "model": str(tokenizer.name_or_path),
        "fine_tune_type": _only(kinds) if adapters else "full",
        "whole_model": flat(model.trainable_parameters()).keys() == flat(model.parameters()).keys(),
        "num_layers": sum(bool(flat(layer.trainable_parameters())) for layer in model.layers),
        "keys": modules.adapted(model),
        "rank": _only({_rank(module) for module in adapters}),
        "scale": _only({module.scale for module in adapters}),
        # nn.Dropout keeps the share that stays.
        "dropout": _only({round(1 - module.dropout._p_1, 9) for module in adapters}),
        "grad_checkpoint": is_checkpointed(model.layers[0]),
    }


def read_optimizer(optimizer: Optimizer, points: dict[str, list[int]]) -> dict[str, Any]:
    """From the optimizer: its class, its options, and the rates it will use at the given updates."""
    schedule = optimizer._schedulers.get("learning_rate", lambda _: optimizer.learning_rate)
    rates = {key: [schedule(mx.array(update)).item() for update in updates] for key, updates in points.items()}
    return {
        "optimizer": type(optimizer).__name__.lower(),
        **{name: getattr(optimizer, name, None) for name in OPTION_NAMES},
        **rates,
    }


def _rank(module: nn.Module) -> int:
    """The inner dimension; in experts' weights it is the first but one."""
    return module.lora_a.shape[-2 if isinstance(module, LoRASwitchLinear) else -1]


def _only(values: set[Any]) -> Any:
    """The one value that all modules share, None where there are no modules, all of them where they differ."""
    return next(iter(values), None) if len(values) <= 1 else sorted(values)
