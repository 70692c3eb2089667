"""The statistics of a comparison: pure functions over counts, nothing but the standard library.

Every one of them is written out, with its source, in `docs/statistics.md`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

ALPHA = 0.05
"""The error rate of every test and, as 1 - ALPHA, the level of every interval."""

POWER = 0.80

_Z = NormalDist().inv_cdf(1 - ALPHA / 2)
_Z_POWER = NormalDist().inv_cdf(POWER)


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % confidence interval, both ends in the unit of the estimate."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Rate:
    """So many right of so many counted."""

    right: int
    counted: int

    @property
    def share(self) -> float:
        """0..1, or NaN where nothing was counted."""
        return self.right / self.counted if self.counted else math.nan

    @property
    def interval(self) -> Interval:
        return wilson(self.right, self.counted)


def wilson(right: int, total: int) -> Interval:
    """Score interval of one rate (Wilson, JASA 22, 1927). With nothing counted it is 0..1: nothing is known."""
    if total == 0:
        return Interval(0.0, 1.0)
    share, weight = right / total, _Z * _Z / total
    centre = share + weight / 2
    spread = _Z * math.sqrt(share * (1 - share) / total + weight / (4 * total))
    low, high = (centre - spread) / (1 + weight), (centre + spread) / (1 + weight)
    return Interval(0.0 if right == 0 else low, 1.0 if right == total else high)


def mcnemar(fixed: int, broken: int) -> float:
    """Exact two-sided p that `fixed` and `broken` flips come from a fair coin (McNemar, Psychometrika 12, 1947)."""
    flips = fixed + broken
    term = tail = 1
    for index in range(min(fixed, broken)):
        term = term * (flips - index) // (index + 1)
        tail += term
    return min(1.0, 2 * tail / 2**flips)


def paired_interval(both: int, fixed: int, broken: int, neither: int) -> Interval:
    """Interval of (share after - share before) over paired cases.

    Method 10 of Newcombe (Statistics in Medicine 17, 1998, 2635-2650): two Wilson intervals, squared and added, with
    the correlation of the pairs taken off. `both` and `neither` count the pairs right, or not, in both runs.
    """
    total = both + fixed + broken + neither
    if total == 0:
        return Interval(-1.0, 1.0)
    after, before = Rate(both + fixed, total), Rate(both + broken, total)
    delta, phi = after.share - before.share, _correlation(both, fixed, broken, neither)
    down = _joined(after.share - after.interval.low, before.interval.high - before.share, phi)
    up = _joined(after.interval.high - after.share, before.share - before.interval.low, phi)
    return Interval(max(-1.0, delta - down), min(1.0, delta + up))


def _correlation(both: int, fixed: int, broken: int, neither: int) -> float:
    """Newcombe's phi: moved towards 0 by half a case where it is positive; 0 where a margin is empty."""
    margins = (both + fixed) * (broken + neither) * (both + broken) * (fixed + neither)
    excess = float(both * neither - fixed * broken)
    if excess > 0:
        excess = max(0.0, excess - (both + fixed + broken + neither) / 2)
    return excess / math.sqrt(margins) if margins else 0.0


def _joined(first: float, second: float, phi: float) -> float:
    return math.sqrt(max(0.0, first * first - 2 * phi * first * second + second * second))


def detectable_difference(total: int, flips: int) -> float | None:
    """Smallest true difference (0..1) that McNemar's test finds in 80 % of repeats, at the observed share of flips.

    The normal approximation (z_0.975 + z_0.80) * sqrt(flip share / total), after Miettinen (Biometrics 24, 1968). The
    flip share is taken as at least the difference itself, since a case that changes the score flips. None below six
    pairs: six fixed and none broken is the first result with p < 0.05.
    """
    if total < 6:
        return None
    unit = (_Z + _Z_POWER) / math.sqrt(total)
    return min(1.0, unit * max(math.sqrt(flips / total), unit))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """P-values adjusted for being several (Holm, Scandinavian Journal of Statistics 6, 1979), in the order given."""
    adjusted = [1.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return tuple(adjusted)
