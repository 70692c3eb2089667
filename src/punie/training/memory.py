"""How much memory a run may take and will take; the second is estimated. Runs in the training child.

Weights and optimizer are counted. What a step needs besides is measured on one short row at three lengths and carried
on to the widest group there can be: activations grow with a row's length and, through attention, with its square.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import mlx.core as mx
import numpy as np
from mlx.optimizers import Optimizer

from punie.errors import CapacityError
from punie.training.batches import Group
from punie.training.checkpoint import flat, random_key, seed_of
from punie.training.needs import SHARE, Needs

_PROBES = (128, 256, 384)
"""Tokens. Multiples of the attention's block, so that one curve goes through all of them."""

_GRADIENTS = 2
"""The sum so far and the sum to be; a step's own gradient is part of what is measured."""

Gradient = Callable[..., tuple[mx.array, Any]]


def allowed(gigabytes: float | None) -> int:
    """Bytes that MLX may use: those the plan says, or a share of what there is.

    MLX is told to hold back before that: up to its own limit it works ahead, and keeps what it worked ahead for.
    """
    limit = int(SHARE * _available()) if gigabytes is None else round(gigabytes * 1e9)
    mx.set_memory_limit(int(SHARE * limit))
    return limit


def _available() -> int:
    """On a Mac what Metal recommends for the GPU; elsewhere what Linux could give, and what this process has."""
    recommended = mx.device_info().get("max_recommended_working_set_size")
    if recommended is not None:
        return int(recommended)
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(lines["MemAvailable"].split()[0]) * 1024 + mx.get_active_memory()


def require_weights_fit(model: Path, limit: int) -> None:
    """Raises CapacityError where the files alone are more than may be used."""
    size = sum(file.stat().st_size for file in model.glob("*.safetensors"))
    if size > limit:
        raise CapacityError(
            f"The model's weights are {size / 1e9:.2f} GB; this run may use {limit / 1e9:.2f} GB.",
            where=str(model),
            hint="Take a smaller or a quantized model, or raise memory_limit.",
        )


def estimate(gradient: Gradient, model: Any, optimizer: Optimizer, groups: Sequence[Group], chunk: int | None) -> Needs:
    """What a step on the largest of these groups needs. `chunk`: positions whose logits exist at a time; None for all.

    Draws nothing from the random stream that training will use, and what it needs itself is not in the run's peak.
    """
    key = random_key()
    widest = max(groups, key=lambda group: group.inputs.size)
    rows, width = widest.inputs.shape
    widths = _PROBES if width >= _PROBES[-1] else tuple(sorted({max(1, width * third // 3) for third in (1, 2, 3)}))
    peaks = [_peak(gradient, model, length, 1) for length in widths]
    per_position = (_peak(gradient, model, widths[-1], widths[-1]) - peaks[-1]) / max(1, widths[-1] - 1)
    mx.random.seed(seed_of(key))
    mx.reset_peak_memory()
    fixed, by_length, by_square = _curve(widths, peaks)
    learned = len(widest.targets) if chunk is None else min(chunk, len(widest.targets))
    trainable = flat(model.trainable_parameters())
    return Needs(
        weights=mx.get_active_memory(),
        optimizer=state_bytes(optimizer, trainable),
        gradients=_GRADIENTS * sum(array.nbytes for array in trainable.values()),
        activations=int(max(0.0, fixed) + rows * (by_length * width + by_square * width**2)),
        logits=int(max(0.0, per_position) * learned),
    )


def _peak(gradient: Gradient, model: Any, length: int, learned: int) -> int:
    """Bytes beyond what is there, for one row of so many tokens, the first `learned` of which carry loss.

    The last one does too: the last layer then computes them all, as it does where the most memory is needed.
    """
    tokens = mx.zeros((1, length), mx.int32)
    places = np.unique([*range(learned), length - 1])
    targets = mx.zeros(len(places), mx.int32)
    mx.clear_cache()
    mx.reset_peak_memory()
    before = mx.get_active_memory()
    mx.eval(gradient(model, tokens, places, targets, None))
    return mx.get_peak_memory() - before


def _curve(widths: Sequence[int], peaks: Sequence[int]) -> tuple[float, float, float]:
    """Constant, factor of the length and factor of its square, neither factor below zero."""
    degree = min(2, len(widths) - 1)
    square, linear, fixed = np.pad(np.polyfit(widths, peaks, degree), (2 - degree, 0))
    if square < 0 or linear < 0:
        linear, fixed = np.polyfit(widths, peaks, 1) if degree else (0.0, fixed)
        square = 0.0
    return float(fixed), float(linear), float(square)


def state_bytes(optimizer: Optimizer, trainable: dict[str, mx.array]) -> int:
    """Of its moments, whether they exist already or will be made by the first update."""
    fresh = cast(Callable[..., Optimizer], type(optimizer))(learning_rate=0.0)
    fresh.init(trainable)
    return sum(array.nbytes for array in flat(fresh.state).values())
