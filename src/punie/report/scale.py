"""The axes of charts: from values to places, with round numbers at the ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_WIDE_RANGE = 30.0
"""Highest over lowest value from which powers of ten show more."""
_ROOM_FOR_ENDS = 1000.0
_ZOOM = 1 / 3
"""An axis starts at 0 unless all values lie within this share of the highest."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to percent of the way from `low` to `high`."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False

    def place(self, value: float) -> float:
        low, high, value = map(math.log10, (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        return 100 * (value - low) / ((high - low) or 1)

    def label(self, tick: float) -> str:
        """With as many decimals as tell the ticks apart."""
        if self.log:
            return f"{tick:g}"
        gap = self.ticks[1] - self.ticks[0] if len(self.ticks) > 1 else tick or 1
        decimals = max(0, -math.floor(math.log10(gap) + 1e-9))
        return f"{tick:.1e}" if decimals > 4 and tick else f"{tick:,.{decimals if decimals <= 4 else 0}f}"


def scale_of(values: Sequence[float], log: bool) -> Scale:
    """Round ends around all values; powers of ten where `log` allows them and the range asks for them."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if log and low > 0 and high / low >= _WIDE_RANGE:
        return _powers(1 / nice_step(1 / low), nice_step(high))
    if 0 <= low < high * (1 - _ZOOM) or low == high >= 0:
        low = 0.0
    step = nice_step((high - low) / 4 or 1.0)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(step * number for number in range(first, max(last, first + 1) + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def _powers(low: float, high: float) -> Scale:
    """With a tick at each power of ten, or at some; and at the ends where there is room."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    every = math.ceil((last - first) / 6) or 1
    powers = [10.0**power for power in range(first, last + 1, every)]
    ends = [low, high] if high / low <= _ROOM_FOR_ENDS else []
    ticks = sorted({float(f"{tick:.6g}") for tick in [*powers, *ends]})
    return Scale(low, high, tuple(ticks), log=True)


def fixed_scale(low: float, high: float) -> Scale:
    """With round places between the ends, and not beyond."""
    high = high if high > low else low + 1
    step = max(1.0, nice_step((high - low) / 6))
    return Scale(low, high, tuple(step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1)))


def nice_step(least: float) -> float:
    """The first of ... 0.1, 0.2, 0.5, 1, 2, 5, 10 ... that is not below `least`, which is above 0."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step for factor in (1, 2, 5, 10) if (step := factor * power) >= least * (1 - 1e-9))
