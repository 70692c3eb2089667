"""The modules of a model that can get LoRA matrices, by the names that mlx-lm has for them. Runs in the training child.

Within a layer a name counts from the layer ("self_attn.q_proj"), elsewhere from the model ("lm_head").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mlx import nn
from mlx_lm.models.switch_layers import QuantizedSwitchLinear, SwitchLinear

from punie.errors import UsageError
from punie.training.plan import key_names

_ADAPTABLE = (
    nn.Linear,
    nn.QuantizedLinear,
    SwitchLinear,
    QuantizedSwitchLinear,
    nn.Embedding,
    nn.QuantizedEmbedding,
)


def matching(model: Any, keys: tuple[str, ...]) -> list[str]:
    """The full names of the modules that `keys` name in full or by their last parts. Raises UsageError."""
    known = _names(model, lambda module: hasattr(module, "to_lora") or isinstance(module, _ADAPTABLE))
    for key in keys:
        if not any(key_names(key, name) for name in known):
            raise UsageError(
                f"The model has no module {key!r} that can get LoRA matrices.",
                where="key keys",
                hint=f"It has {', '.join(known)}.",
            )
    return [name for name in known if any(key_names(key, name) for key in keys)]


def adapted(model: Any) -> list[str]:
    """The names of the modules that have LoRA matrices."""
    return _names(model, lambda module: "lora_a" in module)


def _names(model: Any, wanted: Callable[[nn.Module], bool]) -> list[str]:
    return sorted({name for name, module in _named_modules(model) if wanted(module)})


def _named_modules(model: Any) -> Iterator[tuple[str, nn.Module]]:
    inside: set[int] = set()
    for layer in model.layers:
        for name, module in layer.named_modules():
            inside.add(id(module))
            yield name, module
    yield from ((name, module) for name, module in model.named_modules() if id(module) not in inside)
