"""An adapter put into the weights of its model. Runs in the shipping child."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlx.utils import tree_unflatten
from mlx_lm.utils import dequantize_model, load, save

from punie.errors import UsageError
from punie.files import read_json
from punie.shipping.deltas import adapted_modules, read_weights, survival
from punie.shipping.messages import Event, FuseAsked, weight_bytes
from punie.shipping.probes import ask_reference, measure
from punie.shipping.tokenizers import require_same_tokenizer
from punie.training.adapter import WEIGHTS
from punie.training.student import load_model


def fuse(asked: FuseAsked) -> Iterator[Event]:
    """Measure the adapter and the bare model, write the fused one, and judge it as it was read back from disk."""
    size, output = weight_bytes(Path(asked.model)), Path(asked.output)
    model, tokenizer, config = load_adapted(asked.model, asked.adapter)
    modules = adapted_modules(model)
    probes = ask_reference(model, tokenizer)
    yield measure("adapter", model, size + (Path(asked.adapter) / WEIGHTS).stat().st_size, probes, reference=True)
    bare, _ = load_model(asked.model)
    yield measure("base", bare, size, probes)
    del bare
    _put_in(model, modules, config, asked.requantize)
    save(output, asked.model, model, tokenizer, config, donate_model=False)
    if modules:
        yield survival(modules, read_weights(output), read_json(output / "config.json").get("quantization", {}))
    del model, modules
    fused, fused_tokenizer = load_model(asked.output)
    require_same_tokenizer(tokenizer, fused_tokenizer, asked.output)
    yield measure("fused", fused, weight_bytes(output), probes)


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
