"""Lengths as a drawing: places in percent, so that a page can be narrow or wide."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from punie.data.look.tokens import Histogram
from punie.report.charts import Column, Mark
from punie.report.scale import nice_step

_BARS = 60
_TYPICAL = 0.99
"""Rows beyond this share of the shortest ones are drawn as one last bar."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A histogram as it is drawn; the last bar may stand for all longer rows."""

    unit: str
    lengths: Histogram
    bars: tuple[Column, ...]
    up: tuple[Mark, ...]
    """Numbers of rows; places are in percent of the tallest bar."""
    ticks: tuple[Mark, ...]
    marks: tuple[Mark, ...]

    @property
    def table(self) -> tuple[tuple[str, str], ...]:
        """A row of names, then one for each bar."""
        return (self.unit, "rows"), *((bar.reach, f"{bar.rows:,}") for bar in self.bars)


def draw_lengths(unit: str, lengths: Histogram, limit: int | None = None) -> Chart:
    """24 to 60 bars; `limit` is where longer rows are cut."""
    step = _step(max(1, lengths.quantile(_TYPICAL)) / _BARS)
    last = lengths.quantile(_TYPICAL) // step + 1
    counts = Counter[int]()
    for length, rows in lengths.bins.items():
        counts[min(length // step, last)] += rows
    slots = last + (last in counts)
    tallest = max(counts.values(), default=1)
    bars = tuple(
        Column(100 * slot / slots, 100 / slots, 100 * rows / tallest, _reach(slot, last, step), rows)
        for slot, rows in sorted(counts.items())
    )
    up = tuple(Mark(100 * rows / tallest, f"{rows:,}") for rows in range(0, tallest + 1, _step(tallest / 5)))
    every = _step(last / 6)
    ticks = tuple(Mark(100 * slot / slots, f"{slot * step:,}") for slot in range(0, last + 1, every))
    named = {"half": lengths.quantile(0.5), **({"cut here": limit} if limit else {})}
    marks = tuple(
        Mark(100 * place / step / slots, f"{name}: {place:,}") for name, place in named.items() if place <= last * step
    )
    return Chart(unit, lengths, bars, up, ticks, marks)


def _reach(slot: int, last: int, step: int) -> str:
    first, until = slot * step, slot * step + step - 1
    return f"{first:,} and more" if slot == last else f"{first:,} to {until:,}"


def _step(least: float) -> int:
    """Whole lengths or rows: 1, 2, 5, 10, 20, 50 ..."""
    return round(nice_step(max(least, 1)))
