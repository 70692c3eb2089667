from __future__ import annotations

import pytest

from punie.report.scatter import Scatter, draw_scatter


def drawn(*scores: tuple[float, float]) -> Scatter:
    chart = draw_scatter(scores, "a", "b")
    assert chart is not None
    return chart


@pytest.mark.parametrize("scores", [[], [(0.0, 1.0)], [(1.0, 1.0), (0.0, 0.0), (1.0, 0.0)]])
def test_right_and_wrong_alone_are_no_scatter(scores: list[tuple[float, float]]) -> None:
    """Where every score is 0 or 1 the counts of the groups say it all."""
    assert draw_scatter(scores, "a", "b") is None


@pytest.mark.parametrize(
    ("score", "left", "top", "kind"),
    [
        ((0.25, 0.75), 25, 25, "higher"),
        ((0.75, 0.0), 75, 100, "lower"),
        ((0.5, 0.5), 50, 50, "same"),
        ((0.001, 0.999), 5, 5, "higher"),
        ((1.0, 0.26), 100, 75, "lower"),
    ],
)
def test_a_case_lies_where_its_scores_are(score: tuple[float, float], left: float, top: float, kind: str) -> None:
    """The first run across, the second up; what is not wholly right or wrong is never drawn as if it were."""
    disc = drawn(score).discs[0]
    assert (disc.left, disc.top, disc.kind) == (pytest.approx(left), pytest.approx(top), kind)


def test_discs_tell_how_many_cases_they_are() -> None:
    """Four times the cases are twice the radius, the numbers stand in the table, and all cases are in it."""
    chart = drawn(*[(0.0, 1.0)] * 8, *[(0.5, 0.5)] * 2, (1.0, 0.0))
    assert [disc.radius for disc in chart.discs[:2]] == [17.0, 8.5]
    assert chart.table == (("a", "b", "cases"), ("0%", "100%", "8"), ("50.0%", "50.0%", "2"), ("100%", "0%", "1"))
    assert chart.description == "8 cases score higher in b, 1 lower, 2 the same."
    assert chart.discs[0].label == "0% before, 100% after: 8 cases"
