"""A curriculum's file: what it may say, and what it is told when it says something else."""

from __future__ import annotations

import pytest

from punie.curriculum.curriculum import Control, Hybrid, parse_curriculum
from punie.curriculum.rows import Range, parse_where, select_rows
from punie.errors import DataError, UsageError

EASY = {"name": "easy", "where": {"level": 1}}
HARD = {"name": "hard", "where": {"difficulty": {"at_least": 4}}}


def test_a_schedule_is_a_name_or_a_block() -> None:
    """A name takes the defaults, a block says options, and a control names the schedule it is the control of."""
    assert parse_curriculum({"phases": [EASY, HARD]}, "here").schedule.kind == "sequential"
    assert parse_curriculum({"phases": [EASY], "schedule": "anti"}, "here").schedule.kind == "anti"
    hybrid = {"kind": "hybrid", "hardest": 0.25, "by": "difficulty"}
    control = parse_curriculum({"phases": [EASY], "schedule": {"kind": "control", "of": hybrid}}, "here")
    assert isinstance(control.schedule, Control)
    assert control.order == Hybrid(hardest=0.25, by="difficulty")


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"phases": []}, "phases"),
        ({"phases": [EASY, EASY]}, "two phases have the same name"),
        ({"phases": [EASY, {**HARD, "iters": 3}]}, "some phases say iters or epochs and some do not"),
        ({"phases": [{**EASY, "iters": 3, "epochs": 1}]}, "not both"),
        ({"phases": [EASY], "rounds": 3}, "no key 'rounds'"),
        ({"phases": [EASY], "schedule": "harder"}, "schedule is not usable"),
        ({"phases": [EASY], "schedule": "hybrid"}, "hardest"),
        ({"phases": [EASY], "schedule": "mixed", "replay": 0.5}, "replay does nothing with schedule mixed"),
        ({"phases": [EASY], "replay": 1}, "replay"),
        ({"phases": [{"name": "a", "where": {"level": {"at_least": 4, "below": 2}}}]}, "no number is at least 4"),
        ({"phases": [{"name": "a", "where": {"level": {}}}]}, "at_least, below or both"),
    ],
)
def test_a_curriculum_that_makes_no_sense_is_refused(values: dict, complaint: str) -> None:
    """By the key."""
    with pytest.raises(UsageError, match=complaint):
        parse_curriculum(values, "here")


ROWS = [{"level": n % 3, "metadata": {"score": n / 2, "odd": bool(n % 2), "tags": ["a"]}} for n in range(9)]


@pytest.mark.parametrize(
    ("where", "chosen"),
    [
        (None, [0, 1, 2, 3, 4, 5, 6, 7, 8]),
        ({"level": 2}, [2, 5, 8]),
        ({"level": [0, 1]}, [0, 1, 3, 4, 6, 7]),
        ({"score": {"at_least": 1, "below": 2}}, [2, 3]),
        ({"score": {"below": 1}, "level": [0]}, [0]),
        ({"odd": True, "score": {"at_least": 3}}, [7]),
    ],
)
def test_rows_are_chosen_by_labels_and_ranges(where: dict | None, chosen: list[int]) -> None:
    """In a field of their own or in their metadata; a range holds its lower end and not its upper one."""
    parsed = None if where is None else parse_where(where, "here")
    assert select_rows(parsed, ROWS, "Phase p", "rows") == chosen


@pytest.mark.parametrize(
    ("where", "complaint", "hint"),
    [
        ({"score": Range(at_least=5)}, "no row with score at least 5", "There are 0.0, 0.5, 1.0"),
        ({"level": Range(at_least=2), "score": Range(below=1)}, "do not meet its other conditions", ""),
        ({"odd": Range(at_least=0)}, "no row with odd at least 0", "There are False, True."),
        ({"tags": ("b",)}, "no row with tags 'b'", "There are ['a']."),
        ({"depth": Range(below=1)}, "no row with depth below 1", "No row has a field depth."),
    ],
)
def test_a_choice_of_nothing_tells_what_there_is(where: dict, complaint: str, hint: str) -> None:
    """The rule that no row meets, and the labels that are there."""
    with pytest.raises(DataError, match=complaint) as caught:
        select_rows(where, ROWS, "Phase p", "rows")
    assert caught.value.hint.startswith(hint)
