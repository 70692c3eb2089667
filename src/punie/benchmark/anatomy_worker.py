"""The child that takes a model apart: `python -m punie.child punie.benchmark.anatomy_worker ASKED ANSWERS`.

The model is built from config.json alone. MLX draws weights only when they are asked for, and nobody asks: the largest
model takes as little memory as the smallest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx import nn
from mlx.utils import tree_flatten
from mlx_lm.utils import load_model

from punie.benchmark.anatomy import Anatomy
from punie.benchmark.asking import answer
from punie.errors import UsageError
from punie.files import read_json
from punie.training.checkpoint import flat
from punie.training.memory import allowed, state_bytes
from punie.training.plan import TrainingPlan
from punie.training.student import make_optimizer, make_trainable

_GROUP = 64
"""Numbers that share a scale and a bias where nothing else is said, as mlx-lm quantizes."""

_BITS = (4, 8, 16, 32)
_DTYPES = {"float32": mx.float32, "float16": mx.float16, "bfloat16": mx.bfloat16}


def main() -> None:
    answer(lambda asked: [dissect(TrainingPlan.model_validate(asked))])


def dissect(plan: TrainingPlan) -> Anatomy:
    """Raises UsageError where mlx-lm cannot build the model, or config.json lacks what is counted with."""
    config = read_json(Path(plan.model) / "config.json")
    try:
        return _dissected(plan, config, {**config, **config.get("text_config", {})})
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"Nothing can be said of this model: {error!r}.", where=f"{plan.model}/config.json", hint="Measure it."
        ) from error


def _dissected(plan: TrainingPlan, config: dict[str, Any], words: dict[str, Any]) -> Anatomy:
    model, dtype = _built(plan.model, config, words)
    sizes, layers = [(_size(one), _packs(one)) for one in _leaves(model)], len(model.layers)
    shapes = [_shape(one, words.get("num_experts_per_tok") or 1) for one in _leaves(model.layers) if _is_matrix(one)]
    _quantize(model, config)
    make_trainable(model, plan)
    trainable = flat(model.trainable_parameters())
    return Anatomy(
        layers=layers,
        parameters=sum(size for size, _ in sizes),
        weights=sum(array.nbytes for array in flat(model.parameters()).values()),
        weights_at={bits: round(sum(size * _bytes(bits, packs) for size, packs in sizes)) for bits in _BITS},
        trainable=sum(array.size for array in trainable.values()),
        trainable_bytes=sum(array.nbytes for array in trainable.values()),
        optimizer=state_bytes(make_optimizer(plan), trainable),
        hidden=words["hidden_size"],
        vocabulary=words["vocab_size"],
        heads=words["num_attention_heads"],
        head_size=words.get("head_dim") or words["hidden_size"] // words["num_attention_heads"],
        number=dtype.size,
        outputs=sum(rows for rows, _ in shapes) // layers,
        room=allowed(plan.memory_limit),
        products=sum(rows * columns for rows, columns in shapes) // layers,
    )


def _built(folder: str, config: dict[str, Any], words: dict[str, Any]) -> tuple[Any, mx.Dtype]:
    """Unquantized, in the numbers that config.json names, which are bfloat16 where it names none."""
    plain = {"quantization": None, "quantization_config": None}
    model, _ = load_model(Path(folder), lazy=True, strict=False, model_config=plain)
    dtype = _DTYPES[config.get("torch_dtype") or words.get("torch_dtype") or words.get("dtype") or "bfloat16"]
    model.set_dtype(dtype)
    return model, dtype


def _quantize(model: Any, config: dict[str, Any]) -> None:
    """As config.json says, module by module where it does; of a format other than mlx-lm's own, nothing is packed."""
    if (asked := config.get("quantization")) is None:
        return

    def packed(name: str, module: Any) -> Any:
        return asked.get(name, _packs(module))

    nn.quantize(model, asked.get("group_size", _GROUP), asked["bits"], class_predicate=packed)


def _leaves(model: Any) -> list[Any]:
    """The modules that hold arrays and no other modules."""
    tree = [layer.leaf_modules() for layer in model] if isinstance(model, list) else model.leaf_modules()
    return [module for _, module in tree_flatten(tree, is_leaf=lambda one: isinstance(one, nn.Module))]


def _size(module: Any) -> int:
    return sum(array.size for array in flat(module.parameters()).values())


def _packs(module: Any) -> bool:
    """Whether it can be quantized."""
    return hasattr(module, "to_quantized") and module.weight.shape[-1] % _GROUP == 0


def _bytes(bits: int, packs: bool) -> float:
    """Of a number. One that cannot be packed stays at 16 bits; a scale and a bias have 16 each."""
    if bits >= 16 or not packs:
        return max(bits, 16) / 8
    return bits / 8 + 4 / _GROUP


def _is_matrix(module: Any) -> bool:
    return "weight" in module and module.weight.ndim > 1


def _shape(module: Any, asked: int) -> tuple[int, int]:
    """Of what is multiplied for one token: of experts, of which the first axis is the number, `asked` together."""
    *experts, rows, columns = module.weight.shape
    return rows * (asked if experts else 1), columns


if __name__ == "__main__":
    main()
