"""Scores of the cases in one run against another: places are computed here, `templates/scatter.html` draws them.

Places are in percent of a square, radii in pixels. Cases with the same two scores are one disc, whose area tells how
many they are. Above the diagonal the second run did better.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from punie.report import numbers

_STEP = 0.05
"""Scores are rounded to this, so that cases that are nearly alike share a disc."""
_SMALLEST, _LARGEST = 3.0, 17.0


@dataclass(frozen=True, slots=True)
class Disc:
    left: float
    top: float
    radius: float
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Scatter:
    """As it is drawn, largest discs first. `table` has a row of names, then one for each disc."""

    title: str
    description: str
    across: str
    up: str
    discs: tuple[Disc, ...]
    table: tuple[tuple[str, ...], ...]


def draw_scatter(scores: Sequence[tuple[float, float]], across: str, up: str) -> Scatter | None:
    """Pairs of scores, 0..1, of the runs named `across` and `up`; None where no score lies between 0 and 1."""
    if not any(0 < score < 1 for pair in scores for score in pair):
        return None
    counts = Counter((_rounded(first), _rounded(second)) for first, second in scores)
    higher, lower = (sum(sign * (second - first) > 0 for first, second in scores) for sign in (1, -1))
    most = max(counts.values())
    return Scatter(
        title=f"Scores of the cases: {across} across, {up} up",
        description=f"{higher} cases score higher in {up}, {lower} lower, {len(scores) - higher - lower} the same.",
        across=across,
        up=up,
        discs=tuple(_disc(place, count, most) for place, count in counts.most_common()),
        table=((across, up, "cases"), *(_numbers(place, counts[place]) for place in sorted(counts))),
    )


def _disc(place: tuple[float, float], count: int, most: int) -> Disc:
    first, second = place
    radius = max(_SMALLEST, _LARGEST * math.sqrt(count / most))
    kind = "same" if first == second else "higher" if second > first else "lower"
    label = f"{numbers.percent(first)} before, {numbers.percent(second)} after: {count} case{'s' if count > 1 else ''}"
    return Disc(100 * first, 100 - 100 * second, round(radius, 1), kind, label)


def _numbers(place: tuple[float, float], count: int) -> tuple[str, ...]:
    return numbers.percent(place[0]), numbers.percent(place[1]), str(count)


def _rounded(score: float) -> float:
    """Only what is exactly 0 or 1 is drawn there."""
    if score in (0.0, 1.0):
        return score
    return min(1 - _STEP, max(_STEP, round(round(score / _STEP) * _STEP, 2)))
