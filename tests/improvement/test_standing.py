"""When a round counts as a rise, which round is the best so far, and when it is enough."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from punie.improvement.recipe import ImprovementRecipe, Rise
from punie.improvement.rounds import Lesson
from punie.improvement.standing import Standing, best, stand, why_enough

from ..report.conftest import outcomes_run

CASES = 40
LESSON = Lesson(Path("adapter"), answers=8, right=4, kept=2, rows=3, iterations=5)


def after(scores: Sequence[int], rise: Rise) -> list[Standing]:
    """The start and rounds of so many right answers each."""
    runs = [outcomes_run("dev", {"reasoning": [place < right for place in range(CASES)]}) for right in scores]
    standings = [Standing(0, None, runs[0])]
    for run in runs[1:]:
        standings.append(stand(standings, LESSON, run, rise))
    return standings


@pytest.mark.parametrize(
    ("scores", "rise", "chosen"),
    [
        ([10], "higher", 0),
        ([10, 11], "higher", 1),
        ([10, 10], "higher", 0),
        ([10, 12, 11, 13], "higher", 3),
        ([10, 12, 11, 12], "higher", 1),
        ([10, 15], "better", 0),
        ([10, 16], "better", 1),
        ([10, 12, 15, 18], "better", 3),
    ],
)
def test_the_best_round_is_the_last_that_rose_above_all_before(scores: list[int], rise: Rise, chosen: int) -> None:
    """Of equal scores the earlier round stays; with `better` a rise needs six more right and none lost, of forty."""
    assert best(after(scores, rise)).number == chosen


@pytest.mark.parametrize(
    ("scores", "patience", "reason"),
    [
        ([10], 1, ""),
        ([10, 12], 1, ""),
        ([10, 9], 1, "the last one was not higher on dev than start"),
        ([10, 9], 2, ""),
        ([10, 12, 11, 12], 2, "the last 2 were not higher on dev than round 1"),
        ([10, 11, 12, 13], 1, "all 3 rounds were done"),
    ],
)
def test_it_ends_after_so_many_rounds_without_a_rise(scores: list[int], patience: int, reason: str) -> None:
    """Rounds in a row that did not rise are counted from the best one; there are never more than the recipe allows."""
    recipe = ImprovementRecipe(name="a", tasks="t.jsonl", suite="s.yaml", patience=patience, rounds=3)
    assert why_enough(after(scores, "higher"), recipe) == reason
