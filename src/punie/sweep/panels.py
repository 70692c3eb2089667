"""Small multiples: for each field that changes, every trial's figure over the field's values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from punie.report.charts import Dot, Line, LineChart, Mark
from punie.report.scale import Scale, scale_of
from punie.sweep.space import Range
from punie.sweep.story import shown, told
from punie.sweep.sweep import SweepResult, value_of
from punie.sweep.trial import TrialRecord

_HEIGHT = 130
_TOP, _EDGE = 12, 6.0


@dataclass(frozen=True, slots=True)
class Point:
    """A trial in a chart: where its value lies among the field's, 0..100, and its figure."""

    place: float
    value: float
    label: str


def panels(result: SweepResult) -> list[LineChart]:
    """A chart for each field with more than one value; where settings are halved, a colour for each rung."""
    return [_panel(result, field) for field in result.recipe.varied]


def _panel(result: SweepResult, field: str) -> LineChart:
    axis = _axis(result, field)
    points = [_points(result, field, axis, rung.number) for rung in result.course.rungs]
    up = scale_of([point.value for rung in points for point in rung], False)
    lines = [_line(result, number, rung, up) for number, rung in enumerate(points) if rung]
    unit = "nats" if result.recipe.lower else "% right"
    return LineChart(
        name=f"panel-{field}",
        title="Validation loss" if result.recipe.lower else "Dev half",
        description=f"The figure of every trial by its {field}. The line joins the means of equal values.",
        unit=unit,
        across=field,
        top=_TOP,
        height=_HEIGHT,
        lines=tuple(lines),
        up=tuple(Mark(_down(up, tick), up.label(tick)) for tick in up.ticks),
        along=axis.marks,
        landmarks=(),
        levels=(),
        table=_table(result, field),
    )


@dataclass(frozen=True, slots=True)
class _Axis:
    """From the values of a field to places: by size where they were drawn from a range, else one beside the other."""

    marks: tuple[Mark, ...]
    scale: Scale | None
    listed: tuple[str, ...]

    def place(self, value: Any) -> float:
        if self.scale is not None:
            return self.scale.place(value)
        return _EDGE + (100 - 2 * _EDGE) * self.listed.index(shown(value)) / max(len(self.listed) - 1, 1)


def _axis(result: SweepResult, field: str) -> _Axis:
    space = {**result.recipe.train, **result.recipe.sampling}[field]
    if isinstance(space, Range) and space.steps is None:
        scale = scale_of([space.low, space.high], space.scale == "log")
        return _Axis(tuple(Mark(scale.place(tick), scale.label(tick)) for tick in scale.ticks), scale, ())
    values = space.listed() if isinstance(space, Range) else space
    axis = _Axis((), None, tuple(map(shown, values)))
    return _Axis(tuple(Mark(axis.place(value), shown(value)) for value in values), None, axis.listed)


def _points(result: SweepResult, field: str, axis: _Axis, rung: int) -> list[Point]:
    found = []
    for record in result.course.records:
        value = value_of(result.recipe, record)
        if record.rung == rung and value is not None:
            given = {**record.train, **record.sampling}[field]
            label = f"setting {record.setting}, {field} {shown(given)}: {told(result, value)}"
            found.append(Point(axis.place(given), value if result.recipe.lower else 100 * value, label))
    return sorted(found, key=lambda point: point.place)


def _line(result: SweepResult, number: int, points: Sequence[Point], up: Scale) -> Line:
    by_place: dict[float, list[float]] = defaultdict(list)
    for point in points:
        by_place[point.place].append(point.value)
    path = " ".join(f"{place:.2f},{100 - up.place(fmean(values)):.2f}" for place, values in by_place.items())
    dots = tuple(Dot(point.place, _down(up, point.value), point.label) for point in points)
    name = f"rung {number + 1}" if len(result.course.rungs) > 1 else "trials"
    return Line(name, number % 4, path, dots, f"{len(points)}", 1)


def _down(up: Scale, value: float) -> float:
    return round(_TOP + _HEIGHT * (1 - up.place(value) / 100), 2)


def _table(result: SweepResult, field: str) -> tuple[tuple[str, ...], ...]:
    rows = [_row(result, field, record) for record in result.course.records if record.done]
    return (("setting", field, "figure"), *sorted(rows, key=lambda row: row[1]))


def _row(result: SweepResult, field: str, record: TrialRecord) -> tuple[str, ...]:
    value = value_of(result.recipe, record)
    given = {**record.train, **record.sampling}[field]
    return (str(record.setting), shown(given), "–" if value is None else told(result, value))
