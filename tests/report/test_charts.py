"""Charts: every value is where it belongs, whatever the values, and stands in the table too."""

from __future__ import annotations

import math

import pytest

from punie.report.charts import LineChart, Series, draw_bars, draw_lines, sparkline
from punie.report.scale import nice_step

CURVES = {
    "falling": [(1, 3.0), (2, 2.0), (3, 0.5)],
    "one point": [(7, 1.25)],
    "flat": [(0, 2.0), (10, 2.0)],
    "zero": [(0, 0.0), (10, 0.0)],
    "tiny": [(0, 1e-6), (10, 3e-6)],
    "huge": [(0, 1e12), (10, 5e12)],
    "below zero": [(0, -3.0), (10, 4.0)],
    "narrow": [(0, 100.1), (10, 100.3)],
    "eight decades": [(0, 1e-6), (10, 1e2)],
    "long": [(at, 2 + math.sin(at)) for at in range(1, 5000)],
}


def drawn(points: list[tuple[float, float]], **values: object) -> LineChart:
    return draw_lines("Loss", [Series("train", tuple(points), marked=True)], description="d", **values)  # ty: ignore


def places(chart: LineChart) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (place.split(",") for line in chart.lines for place in line.path.split())]


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("name", CURVES)
def test_lines_and_ticks_stay_inside_the_drawing(name: str, log: bool) -> None:
    """No place is outside 0 to 100, there are two to nine ticks up, and their labels differ."""
    chart = drawn(CURVES[name], log=log)
    assert all(-0.01 <= value <= 100.01 for place in places(chart) for value in place)
    assert all(chart.top - 0.01 <= tick.place <= chart.top + chart.height + 0.01 for tick in chart.up)
    assert all(-0.01 <= tick.place <= 100.01 for tick in chart.along)
    labels = [tick.label for tick in chart.up]
    assert 2 <= len(set(labels)) == len(labels) <= 9


def test_higher_values_are_drawn_higher() -> None:
    """The lowest loss is nearest to the bottom, and an axis of a wide range begins at 0."""
    (_, first), (_, second), (_, third) = places(drawn(CURVES["falling"]))
    assert first < second < third
    assert drawn(CURVES["falling"]).up[0].label == "0"
    assert float(drawn(CURVES["narrow"]).up[0].label) > 100


def test_powers_of_ten_only_where_the_range_asks_for_them() -> None:
    """From 0.001 to 1 equal steps are equal factors; from 1 to 2, or with a value of 0, they are not."""
    wide = drawn([(0, 1.0), (1, 0.1), (2, 0.01)], log=True)
    assert [tick.label for tick in wide.up] == ["0.01", "0.1", "1"]
    assert wide.unit == "powers of ten"
    assert not drawn([(0, 1.0), (1, 2.0)], log=True).unit
    assert not drawn([(0, 0.0), (1, 2.0)], log=True).unit


def test_what_is_no_number_is_left_out() -> None:
    """A loss that is not a number has no place, and a series without any value has no line."""
    chart = drawn([(0, 1.0), (1, math.nan), (2, math.inf), (3, 2.0)])
    assert [row[0] for row in chart.table[1:]] == ["0", "3"]
    assert not drawn([(0, math.nan)]).lines
    assert not drawn([]).lines


def test_a_series_keeps_its_colour_where_another_is_empty() -> None:
    """Validation looks the same before the first report of the training loss."""
    both = draw_lines("Loss", [Series("train", ()), Series("valid", ((0, 2.5),))], description="d")
    assert [(line.name, line.kind, len(line.dots)) for line in both.lines] == [("valid", 1, 1)]


def test_long_series_are_drawn_through_means() -> None:
    """A curve of 4,999 points becomes one of at most 240, and the chart says how many went into each."""
    chart = drawn(CURVES["long"])
    assert len(places(chart)) <= 240
    assert chart.lines[0].group == 21
    assert chart.table[1][0] == "21"


def test_the_table_holds_every_series_at_every_place() -> None:
    """What can be seen can be read: a row for each place, a gap where a series says nothing."""
    both = [Series("train", ((1, 3.0), (2, 2.0))), Series("valid", ((2, 2.5),))]
    chart = draw_lines("Loss", both, description="d")
    assert chart.table == (("iteration", "train", "valid"), ("1", "3", ""), ("2", "2", "2.5"))


def test_bars_fill_by_their_share_of_the_longest() -> None:
    """Half the value is half the width; nothing at all has no width."""
    assert [bar.share for bar in draw_bars([("a", 2, ""), ("b", 1, ""), ("c", 0, "")])] == [1, 0.5, 0]
    assert [bar.share for bar in draw_bars([("a", 0, "")])] == [0]


@pytest.mark.parametrize("values", [[], [1.0], [2.0, 2.0], [3.0, math.nan, 1.0]])
def test_sparklines_take_any_values(values: list[float]) -> None:
    """As many points as there are numbers, all inside."""
    points = sparkline(values).split()
    assert len(points) == sum(map(math.isfinite, values))
    assert all(-0.01 <= float(part) <= 100.01 for point in points for part in point.split(","))


@pytest.mark.parametrize(("least", "step"), [(0.0003, 0.0005), (0.9, 1), (1, 1), (1.1, 2), (3, 5), (70, 100)])
def test_steps_are_round(least: float, step: float) -> None:
    """1, 2 or 5 with a power of ten, and never below what was asked for."""
    assert nice_step(least) == pytest.approx(step)
