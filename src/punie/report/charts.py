"""Charts made from data: places are computed here, `templates/charts.html` draws them as inline SVG.

Places across are in percent, so that a chart is as wide or as narrow as its page while its text keeps its size; places
down are in pixels. Each series has a colour after Okabe and Ito (2008), and a mark or a dash of its own. A chart over
an axis has a title, a description and a table of its numbers; a bar stands in a table beside its number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from punie.report.scale import Scale, fixed_scale, scale_of

Point = tuple[float, float]

_MOST_POINTS = 240
"""A line of more points is drawn through the means of as many equal groups."""
_KINDS = 4
"""Colours and marks in `charts.css` and `charts.html`."""
_LABEL_ROWS, _LABEL_HEIGHT = 3, 15
_TOP, _BOTTOM = 12, 24


@dataclass(frozen=True, slots=True)
class Series:
    """Values by place across, rising; `marked` ones get a mark at each point.

    `reach` is from where to where each marked value may lie, for as many as there are points, or for none.
    """

    name: str
    points: tuple[Point, ...]
    marked: bool = False
    reach: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """A place and what stands there; in percent across, or in pixels down."""

    place: float
    label: str
    row: int = 0


@dataclass(frozen=True, slots=True)
class Dot:
    """One marked point: percent across, pixels down. `reach` is the upper and the lower end of its interval."""

    left: float
    top: float
    label: str
    reach: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """`path` is in hundredths of the plot in both directions; `group` points of the data went into each of its own.

    `kind` is which of the colours and marks it has: a series keeps its own where another has no values.
    """

    name: str
    kind: int
    path: str
    dots: tuple[Dot, ...]
    last: str
    group: int


@dataclass(frozen=True, slots=True)
class LineChart:
    """As it is drawn. `height` is that of the plot in pixels, which begins `top` pixels below the drawing."""

    name: str
    title: str
    description: str
    unit: str
    """Of the axis up, and how it is divided where that is not evenly."""
    across: str
    top: int
    height: int
    lines: tuple[Line, ...]
    up: tuple[Mark, ...]
    along: tuple[Mark, ...]
    landmarks: tuple[Mark, ...]
    levels: tuple[Mark, ...]
    table: tuple[tuple[str, ...], ...]

    @property
    def full_height(self) -> int:
        return self.top + self.height + _BOTTOM


@dataclass(frozen=True, slots=True)
class Bar:
    """A labelled value; `share` is that of the longest bar, `kind` the class it is drawn with."""

    label: str
    text: str
    share: float
    kind: str = "part"


@dataclass(frozen=True, slots=True)
class Column:
    """One bar of a histogram: the values it reaches over and the rows there. Places are in percent of the drawing."""

    left: float
    width: float
    height: float
    reach: str
    rows: int


def draw_lines(
    title: str,
    series: Iterable[Series],
    *,
    description: str,
    unit: str = "",
    across: str = "iteration",
    until: float = 0,
    height: int = 130,
    log: bool = False,
    landmarks: Sequence[tuple[float, str]] = (),
    levels: Sequence[tuple[float, str]] = (),
    name: str = "",
) -> LineChart:
    """Lines over one axis. Values that are no numbers are left out, and a series without any.

    `name` tells charts of one title apart on a page.
    `until` is where the axis across ends at least. `log` allows powers of ten where the range asks for them.
    `landmarks` are lines upright at a place across, `levels` lines across at a value.
    """
    drawn = [(kind % _KINDS, one, points) for kind, one in enumerate(series) if (points := _thinned(one))]
    values = [value for _, _, points in drawn for _, value in points] + [value for value, _ in levels]
    values += [end for _, one, _ in drawn for reach in one.reach for end in reach]
    places = [place for _, _, points in drawn for place, _ in points] + [place for place, _ in landmarks]
    up = scale_of(values, log)
    along = fixed_scale(min(places, default=0), max([*places, until]))
    top = _TOP + _LABEL_HEIGHT * min(len(landmarks), _LABEL_ROWS)

    def down(value: float) -> float:
        return round(top + height * (1 - up.place(value) / 100), 2)

    return LineChart(
        name="chart-" + re.sub(r"\W+", "-", (name or title).lower()),
        title=title,
        description=description,
        unit=f"{unit}, powers of ten".removeprefix(", ") if up.log else unit,
        across=across,
        top=top,
        height=height,
        lines=tuple(_line(kind, one, points, along, up, down, across) for kind, one, points in drawn),
        up=tuple(Mark(down(tick), up.label(tick)) for tick in up.ticks),
        along=tuple(Mark(along.place(tick), along.label(tick)) for tick in along.ticks),
        landmarks=tuple(Mark(along.place(at), label, n % _LABEL_ROWS) for n, (at, label) in enumerate(landmarks)),
        levels=tuple(Mark(down(value), label) for value, label in levels),
        table=_table(across, [(one.name, points) for _, one, points in drawn]),
    )


def draw_bars(rows: Sequence[tuple[str, float, str]], kinds: Sequence[str] = ()) -> tuple[Bar, ...]:
    """(label, value, value as text) -> bars whose longest fills the width."""
    longest = max((value for _, value, _ in rows), default=0) or 1
    kinds = kinds or ["part"] * len(rows)
    return tuple(
        Bar(label, text, value / longest, kind) for (label, value, text), kind in zip(rows, kinds, strict=True)
    )


def sparkline(values: Sequence[float]) -> str:
    """The points of a line without axes, in hundredths of its drawing in both directions."""
    known = [value for value in values if math.isfinite(value)]
    up, along = Scale(min(known, default=0), max(known, default=1), ()), Scale(0, len(known) - 1, ())
    return _path((along.place(number), 100 - up.place(value)) for number, value in enumerate(known))


def _thinned(series: Series) -> tuple[Point, ...]:
    points = [point for point in series.points if all(map(math.isfinite, point))]
    size = _group(series)
    groups = [points[first : first + size] for first in range(0, len(points), size)]
    return tuple((group[-1][0], sum(value for _, value in group) / len(group)) for group in groups)


def _group(series: Series) -> int:
    return max(1, math.ceil(len(series.points) / _MOST_POINTS))


def _line(
    kind: int,
    series: Series,
    points: Sequence[Point],
    along: Scale,
    up: Scale,
    down: Callable[[float], float],
    across: str,
) -> Line:
    path = _path((along.place(place), 100 - up.place(value)) for place, value in points)
    marked = points if series.marked or len(points) == 1 else ()
    reaches = [(down(high), down(low)) for low, high in series.reach] or [None] * len(marked)
    dots = tuple(
        Dot(along.place(at), down(value), f"{across} {at:,.0f}: {value:.4g}", reach)
        for (at, value), reach in zip(marked, reaches, strict=True)
    )
    return Line(series.name, kind, path, dots, f"{points[-1][1]:,.4g}", _group(series))


def _path(places: Iterable[Point]) -> str:
    return " ".join(f"{left:.2f},{top:.2f}" for left, top in places)


def _table(across: str, drawn: Sequence[tuple[str, Sequence[Point]]]) -> tuple[tuple[str, ...], ...]:
    """A row of names, then one for each place at which any series has a value."""
    columns = [dict(points) for _, points in drawn]
    places = sorted({place for column in columns for place in column})
    rows = [(f"{at:,.0f}", *(f"{column[at]:,.4g}" if at in column else "" for column in columns)) for at in places]
    return ((across, *(name for name, _ in drawn)), *rows)
