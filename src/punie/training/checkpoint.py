"""Weights and training state on disk. Runs in the training child."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO, cast

import mlx.core as mx
from mlx import nn
from mlx.optimizers import Optimizer
from mlx.utils import tree_flatten, tree_map, tree_unflatten

from punie.errors import DivergedError, UsageError
from punie.files import atomic_writer
from punie.training.progress import Progress

_MODEL, _OPTIMIZER, _RANDOM = "model.", "optimizer.", "random"


def adapter_weights(model: nn.Module) -> dict[str, mx.array]:
    """What was trained, by name. Raises DivergedError where a number is not finite."""
    weights = flat(model.trainable_parameters())
    finite = mx.stack([mx.all(mx.isfinite(weight)) for weight in weights.values()])
    if not mx.all(finite).item():
        raise DivergedError(
            "The weights are not finite numbers any more.",
            hint="Lower the learning rate, or give the run some warmup; the last saved state is from before.",
        )
    return weights


def save_weights(path: Path, model: nn.Module) -> None:
    _save(path, adapter_weights(model), {"format": "mlx"})


def save_state(path: Path, model: nn.Module, optimizer: Optimizer, progress: Progress) -> None:
    """Weights, optimizer state, random state and progress, in one file that is replaced as a whole."""
    arrays = {_MODEL + name: weight for name, weight in adapter_weights(model).items()}
    state = {_OPTIMIZER + name: value for name, value in flat(optimizer.state).items()}
    _save(path, {**arrays, **state, _RANDOM: random_key()}, progress.to_metadata())


def load_state(path: Path, model: nn.Module, optimizer: Optimizer) -> None:
    """Put everything back where `save_state` found it. Raises UsageError where the state is of another model."""
    arrays = cast(dict[str, mx.array], mx.load(str(path)))
    weights = _under(_MODEL, arrays)
    shapes = {name: weight.shape for name, weight in flat(model.trainable_parameters()).items()}
    if {name: weight.shape for name, weight in weights.items()} != shapes:
        raise UsageError("The saved state belongs to another model.", where=str(path), hint="Train into a new folder.")
    model.load_weights(list(weights.items()), strict=False)
    optimizer.state = tree_unflatten(list(_under(_OPTIMIZER, arrays).items()))
    optimizer.init(model.trainable_parameters())
    mx.random.seed(seed_of(arrays[_RANDOM]))
    mx.eval(model.parameters(), optimizer.state)


def forget_moments(optimizer: Optimizer) -> None:
    """Make what the optimizer remembers of past gradients what it was at first, zero in all of MLX's.

    In place: a compiled update holds on to this very state. The count of updates stays, for the schedule.
    """
    for name, memory in optimizer.state.items():
        if name not in {"step", "learning_rate"}:
            optimizer.state[name] = tree_map(mx.zeros_like, memory)


def flat(tree: Any) -> dict[str, mx.array]:
    """A tree of arrays by dotted names."""
    return dict(tree_flatten(tree))


def random_key() -> mx.array:
    """Where MLX's random stream stands."""
    return cast(list[mx.array], mx.random.state)[0]


def seed_of(key: mx.array) -> int:
    """The seed that puts the random stream at `key`: MLX spells 64 bits of seed as two words."""
    high, low = cast(list[int], key.tolist())
    return (high << 32) | low


def _under(prefix: str, arrays: dict[str, mx.array]) -> dict[str, mx.array]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _save(path: Path, arrays: dict[str, mx.array], metadata: dict[str, str]) -> None:
    with atomic_writer(path) as out:
        mx.save_safetensors(cast(BinaryIO, out), arrays, metadata)
