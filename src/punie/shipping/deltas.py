"""Whether an adapter is in the weights it was fused into, tensor by tensor. Runs in the shipping child."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx_lm.tuner.dora import DoRAEmbedding, DoRALinear
from mlx_lm.tuner.lora import LoRAEmbedding, LoRASwitchLinear

from punie.errors import UsageError
from punie.shipping.messages import Survival

_TINY = 2.0**-24
"""The smallest step of float16, the coarsest near zero."""


def adapted_modules(model: Any) -> dict[str, Any]:
    """Every module with LoRA or DoRA matrices, by its path."""
    return {name: module for name, module in model.named_modules() if "lora_a" in module}


def read_weights(folder: Path) -> dict[str, mx.array]:
    """Tensors of a model on disk, each read when it is first needed."""
    found: dict[str, mx.array] = {}
    for file in sorted(folder.glob("model*.safetensors")):
        loaded: Any = mx.load(str(file))
        found.update(loaded)
    return found


def survival(modules: dict[str, Any], weights: dict[str, mx.array], layout: Mapping[str, Any]) -> Survival:
    """Compare stored `weights` with base + delta; `layout` is the `quantization` of the stored configuration.

    Both are emptied on the way, so that memory holds the weights of one module. Raises UsageError where the adapter
    changes no weight at all.
    """
    lengths = {}
    for name in list(modules):
        lengths[name] = _lengths(modules.pop(name), name, weights, layout)
        weights.pop(f"{name}.weight")
    total = sum(length for _, length, _ in lengths.values())
    if total == 0:
        raise UsageError(
            "The adapter changes nothing: scale * B * A is zero in every module.",
            hint="It was hardly trained, or its scale is 0: look at its adapter_config.json.",
        )
    shares = {name: along / length for name, (along, length, _) in lengths.items() if length > 0}
    least = min(shares, key=lambda name: shares[name])
    steps = [steps for *_, steps in lengths.values()]
    return Survival(
        modules=len(lengths),
        share=sum(along for along, *_ in lengths.values()) / total,
        least=shares[least],
        least_module=least,
        steps=None if any(step is None for step in steps) else max(filter(None, steps), default=0.0),
    )


def _lengths(
    module: Any, name: str, weights: Mapping[str, mx.array], layout: Mapping[str, Any]
) -> tuple[float, float, float | None]:
    """<moved, delta>, <delta, delta>, and the largest error in rounding steps where the tensor was not quantized."""
    base, delta = base_and_delta(module)
    stored = _stored(name, weights, layout)
    moved = stored.astype(mx.float32) - base
    along, length = _number(mx.sum(moved * delta)), _number(mx.sum(delta * delta))
    if f"{name}.scales" in weights:
        return along, length, None
    # mlx-lm adds in the base's type, whatever it then stores.
    eps = max(mx.finfo(dtype).eps for dtype in (stored.dtype, _plain(_inner(module)).dtype))
    step = eps * (mx.abs(base) + mx.abs(delta)) + _TINY
    return along, length, _number(mx.max(mx.abs(moved - delta) / step))


def _number(scalar: mx.array) -> float:
    found: Any = scalar.item()
    return found


def _stored(name: str, weights: Mapping[str, mx.array], layout: Mapping[str, Any]) -> mx.array:
    weight = weights[f"{name}.weight"]
    if f"{name}.scales" not in weights:
        return weight
    how = layout.get(name) or layout
    return mx.dequantize(
        weight,
        weights[f"{name}.scales"],
        weights.get(f"{name}.biases"),
        group_size=how["group_size"],
        bits=how["bits"],
        mode=how.get("mode", "affine"),
    )


def base_and_delta(module: Any) -> tuple[mx.array, mx.array]:
    """The base's weight and what the adapter adds to it, both in float32 and in the shape of the weight.

    LoRA (arXiv 2106.09685, section 4.1) adds scale * B * A; DoRA (arXiv 2402.09353, equation 5) then gives each row the
    length m. mlx-lm stores A and B transposed.
    """
    base = _plain(_inner(module)).astype(mx.float32)
    a, b = module.lora_a.astype(mx.float32), module.lora_b.astype(mx.float32)
    if isinstance(module, LoRASwitchLinear):
        return base, module.scale * (b @ a)
    product = a @ b if isinstance(module, LoRAEmbedding | DoRAEmbedding) else b.T @ a.T
    adapted = base + module.scale * product
    if isinstance(module, DoRALinear | DoRAEmbedding):
        lengths = mx.linalg.norm(adapted, axis=1)
        return base, (module.m.astype(mx.float32) / lengths)[:, None] * adapted - base
    return base, module.scale * product


def _inner(module: Any) -> Any:
    return module.linear if "linear" in module else module.embedding


def _plain(module: Any) -> mx.array:
    """A weight as floats."""
    if "scales" not in module:
        return module.weight
    return mx.dequantize(
        module.weight,
        module.scales,
        module.get("biases"),
        group_size=module.group_size,
        bits=module.bits,
        mode=module.mode,
    )
