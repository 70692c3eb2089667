"""An adapter as PEFT reads it, read back and held against mlx-lm's. Runs in the shipping child.

mlx-lm keeps A as (in, r) and B as (r, out) and multiplies by scale; PEFT keeps A as (r, in) and B as (out, r) and
multiplies by lora_alpha / r (arXiv 2106.09685, section 4.1). The row lengths m of DoRA are the same in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx_lm.tuner.dora import DoRALinear
from mlx_lm.tuner.lora import LoRALinear

from punie.errors import TrainingError, UsageError
from punie.files import read_json, write_json
from punie.shipping.deltas import adapted_modules
from punie.shipping.fusing import load_adapted
from punie.shipping.messages import Converted, PeftAsked

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
SAME_NAMES = (
    *("gemma", "gemma2", "gemma3_text", "granite", "llama", "mistral", "olmo2", "phi3"),
    *("qwen2", "qwen3", "smollm3", "stablelm", "starcoder2"),
)
"""Kinds of models whose modules mlx-lm calls as transformers does; `benchmarks/export_to_peft.py` tries each."""
_FUSE = "Fuse it and export the model: punie fuse --adapter ADAPTER --output MODEL"
_ROUNDING = 1e-5
"""Of the largest change: float32 products summed in another order."""


def write_peft(asked: PeftAsked) -> Iterator[Converted]:
    """Write weights and configuration. Raises UsageError for what PEFT has no place for."""
    model, _, config = load_adapted(asked.model, asked.adapter)
    modules = adapted_modules(model)
    _require_exportable(modules, str(config["model_type"]), asked.adapter)
    output = Path(asked.output)
    tensors = {name: tensor for path, module in modules.items() for name, tensor in _tensors(path, module)}
    mx.save_safetensors(str(output / WEIGHTS), tensors, metadata={"format": "pt"})
    parameters = read_json(Path(asked.adapter) / CONFIG)["lora_parameters"]
    write_json(output / CONFIG, _config(modules, asked.base_name, parameters.get("dropout", 0.0)))
    yield Converted(len(tensors), _read_back(output, modules))


def _require_exportable(modules: Mapping[str, Any], kind: str, adapter: str) -> None:
    if not modules:
        raise UsageError("A full fine-tuning is no adapter of PEFT's.", where=adapter, hint=_FUSE)
    if kind not in SAME_NAMES:
        raise UsageError(
            f"Whether transformers calls the modules of a {kind} model as mlx-lm does was not checked.",
            where=adapter,
            hint=f"Checked are {', '.join(SAME_NAMES)}. {_FUSE}",
        )
    strange = [name for name, module in modules.items() if not isinstance(module, LoRALinear | DoRALinear)]
    if strange:
        raise UsageError(
            f"{strange[0]} is no linear module, which PEFT adapts in another way.", where=adapter, hint=_FUSE
        )


def _tensors(path: str, module: Any) -> Iterator[tuple[str, mx.array]]:
    name = f"base_model.model.{path}"
    yield f"{name}.lora_A.weight", mx.contiguous(module.lora_a.T)
    yield f"{name}.lora_B.weight", mx.contiguous(module.lora_b.T)
    if isinstance(module, DoRALinear):
        yield f"{name}.lora_magnitude_vector", module.m


def _config(modules: Mapping[str, Any], base_name: str, dropout: float) -> dict[str, Any]:
    first = next(iter(modules.values()))
    rank = first.lora_a.shape[1]
    alpha = first.scale * rank
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_name,
        "r": rank,
        "lora_alpha": int(alpha) if alpha == int(alpha) else alpha,
        "lora_dropout": dropout,
        "target_modules": sorted(modules),
        "bias": "none",
        "fan_in_fan_out": False,
        "use_rslora": False,
        "use_dora": isinstance(first, DoRALinear),
        "inference_mode": True,
    }


def _read_back(folder: Path, modules: Mapping[str, Any]) -> float:
    """Largest distance of what lies on disk, multiplied as PEFT does, from what mlx-lm adds.

    Raises TrainingError where it is more than rounding.
    """
    config = read_json(folder / CONFIG)
    stored: Any = mx.load(str(folder / WEIGHTS))
    difference = max(
        _difference(stored, f"base_model.model.{path}", module, config["lora_alpha"] / config["r"])
        for path, module in modules.items()
    )
    if not difference <= _ROUNDING:
        raise TrainingError(f"What was written for PEFT is not the adapter: {difference:.2g} of its change off.")
    return difference


def _difference(stored: Mapping[str, mx.array], name: str, module: Any, scaling: float) -> float:
    theirs = scaling * (stored[f"{name}.lora_B.weight"] @ stored[f"{name}.lora_A.weight"])
    ours = module.scale * (module.lora_b.T @ module.lora_a.T)
    found: Any = (mx.max(mx.abs(theirs - ours)) / mx.maximum(mx.max(mx.abs(ours)), 1e-30)).item()
    if isinstance(module, DoRALinear):
        lengths: Any = mx.max(mx.abs(stored[f"{name}.lora_magnitude_vector"] / module.m - 1)).item()
        return max(found, lengths)
    return found
