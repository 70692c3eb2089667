"""An adapter put into the weights of its model. Runs in the shipping child."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx.utils import tree_unflatten
from mlx_lm.utils import dequantize_model, load, save

from punie.errors import UsageError
from punie.files import read_json
from punie.shipping.deltas import adapted_modules, read_weights, survival
from punie.shipping.messages import Event, FuseAsked, Survival, weight_bytes
from punie.shipping.probes import ask_reference, measure
from punie.shipping.tokenizers import require_same_tokenizer
from punie.training.adapter import WEIGHTS
from punie.training.student import load_model


def fuse(asked: FuseAsked) -> Iterator[Event]:
    """Measure the adapter and the bare model, write the fused one, and judge it as it was read back from disk.

    One model is in memory at a time; each is loaded again when it is needed.
    """
    size, output = weight_bytes(Path(asked.model)), Path(asked.output)
    model, tokenizer, _ = load_adapted(asked.model, asked.adapter)
    probes = ask_reference(model, tokenizer)
    yield measure("adapter", model, size + (Path(asked.adapter) / WEIGHTS).stat().st_size, probes, reference=True)
    del model
    mx.clear_cache()
    yield measure("base", load_model(asked.model)[0], size, probes)
    _write(asked)
    yield from _survival(asked)
    mx.clear_cache()
    fused, fused_tokenizer = load_model(asked.output)
    require_same_tokenizer(tokenizer, fused_tokenizer, asked.output)
    yield measure("fused", fused, weight_bytes(output), probes)


def _write(asked: FuseAsked) -> None:
    model, tokenizer, config = load_adapted(asked.model, asked.adapter)
    _put_in(model, adapted_modules(model), config, asked.requantize)
    save(asked.output, asked.model, model, tokenizer, config, donate_model=True)


def _survival(asked: FuseAsked) -> Iterator[Survival]:
    """Nothing of a full fine-tuning, which has no modules of its own."""
    output = Path(asked.output)
    if modules := adapted_modules(load_adapted(asked.model, asked.adapter)[0]):
        layout = read_json(output / "config.json").get("quantization", {})
        yield survival(modules, read_weights(output), layout)


def load_adapted(model: str, adapter: str) -> tuple[Any, Any, dict[str, Any]]:
    """Model, tokenizer and configuration. Raises UsageError where the adapter is of another model."""
    load_model(model)
    try:
        loaded: Any = load(model, adapter_path=adapter, lazy=True, return_config=True)
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise UsageError(
            f"The adapter does not go with this model: {' '.join(str(error).split())}.",
            where=adapter,
            hint=f"The model was {model}. Name the one it was trained on with --model.",
        ) from error
    return loaded


def _put_in(model: Any, modules: dict[str, Any], config: dict[str, Any], requantize: bool) -> None:
    """Change model and configuration in place. A full fine-tuning has no modules: its weights are there already."""
    fused = [(name, module.fuse(dequantize=not requantize)) for name, module in modules.items()]
    if fused:
        model.update_modules(tree_unflatten(fused))
    if not requantize:
        dequantize_model(model)
        config.pop("quantization", None)
        config.pop("quantization_config", None)
