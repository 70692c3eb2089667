"""What a self-improvement says of itself: verdict, control, flattery, and why it ended."""

from __future__ import annotations

import pytest

from punie.evaluation.outcomes import EvaluationRun
from punie.improvement.improvement import Improvement
from punie.improvement.report import control_told, headline, sentences, to_record
from punie.improvement.standing import best
from punie.report.compare import compare

from ..report.conftest import outcomes_run
from .test_standing import after

CASES = 60


def of_right(name: str, right: int) -> EvaluationRun:
    return outcomes_run(name, {"reasoning": [place < right for place in range(CASES)]})


def improvement(start: int, chosen: int, control: int | None) -> Improvement:
    """Test scores of these three; on dev a round of two rose."""
    standings = after([10, 16, 12], "higher")
    tested = of_right("round-1", chosen)
    beside = None if control is None else compare(of_right("control", control), tested)
    return Improvement(tuple(standings), best(standings), "enough", compare(of_right("start", start), tested), beside)


@pytest.mark.parametrize(
    ("control", "said"),
    [
        (20, "has 20 of 60 right: beside that, +33.3 points"),
        (39, "So nothing shows that its own answers gained more than longer training does."),
        (45, "So nothing shows that its own answers gained more than longer training does."),
    ],
)
def test_a_gain_counts_beside_the_control_alone(control: int, said: str) -> None:
    """Better than the start is not enough where longer training alone does as well."""
    found = improvement(20, 40, control)
    assert headline(found).startswith("Round 1 beside the start: Better: 40 of 60")
    assert said in control_told(found)
    assert ("So nothing shows" in control_told(found)) == (control > 20)


def test_without_a_control_nothing_is_said_of_one() -> None:
    """The sentences begin with why it ended; the choice by dev and its flattery follow."""
    found = improvement(20, 40, None)
    assert control_told(found) == ""
    ended, chosen, flattery = sentences(found)
    assert ended == "It ended after round 2: enough."
    assert chosen == "Round 1 was chosen by its dev score, 16 of 40."
    assert "The best of 3 dev scores flatters" in flattery


def test_where_no_round_rose_there_is_no_verdict() -> None:
    """The start is chosen, and the record has no test half."""
    standings = after([10, 9], "higher")
    found = Improvement(tuple(standings), best(standings), "enough", None, None)
    record = to_record(found)
    assert "No round was better on dev" in headline(found)
    assert (record["chosen"], record["test"], record["beside_control"]) == (0, None, None)
    assert [row["dev"]["right"] for row in record["rounds"]] == [10, 9]
