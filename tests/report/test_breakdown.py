"""A comparison by the tags of its cases: base, tuned and change by difficulty and kind of problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from punie.evaluation.outcomes import EvaluationRun
from punie.report.compare import compare, compare_all
from punie.report.html import render_comparison
from punie.report.record import comparison_record

from .conftest import make_case, make_trial

TAGS = [("1", "plain"), ("1", "twist"), ("3", "plain"), ("7", "plain"), ("10", "plain"), ("10", "twist")]


def run_of_tags(run: EvaluationRun, rights: Sequence[bool], tags: Sequence[tuple[str, str]] = TAGS) -> EvaluationRun:
    cases = [
        make_case("code_generation", number, tags={"difficulty": difficulty, "problem": problem})
        for number, (difficulty, problem) in enumerate(tags)
    ]
    return replace(run, trials=tuple(make_trial(case, right) for case, right in zip(cases, rights, strict=True)))


@pytest.fixture
def base(before: EvaluationRun) -> EvaluationRun:
    return run_of_tags(before, [True, False, False, False, False, False])


@pytest.fixture
def tuned(after: EvaluationRun) -> EvaluationRun:
    return run_of_tags(after, [True, True, True, False, True, False])


def test_each_tag_has_before_after_and_change(base: EvaluationRun, tuned: EvaluationRun) -> None:
    """Difficulties in their order, and in the three levels that they make up; the rows of a tag hold every case."""
    tags = compare(base, tuned).tags
    counts = {
        name: [(row.name, row.before.right, row.after.right, row.counted) for row in rows]
        for name, rows in tags.items()
    }
    assert counts == {
        "difficulty": [("1", 1, 2, 2), ("3", 0, 1, 1), ("7", 0, 0, 1), ("10", 0, 1, 2)],
        "problem": [("plain", 1, 3, 4), ("twist", 0, 1, 2)],
        "level": [("easy (1 to 3)", 1, 3, 3), ("hard (7 to 10)", 0, 1, 3)],
    }


def test_a_tag_that_all_cases_share_has_no_table(before: EvaluationRun, after: EvaluationRun) -> None:
    """It would be the row of all cases once more."""
    tags, rights = [("1", "plain"), ("3", "plain")], [True, False]
    assert compare(run_of_tags(before, rights, tags), run_of_tags(after, rights, tags)).tags.keys() == {
        "difficulty",
        "level",
    }


def test_no_levels_where_a_difficulty_is_a_word(before: EvaluationRun, after: EvaluationRun) -> None:
    """Only numbers from 1 to 10 have a level."""
    tags, rights = [("1", "plain"), ("strenuous", "plain")], [True, False]
    found = compare(run_of_tags(before, rights, tags), run_of_tags(after, rights, tags)).tags
    assert [row.name for row in found["difficulty"]] == ["1", "strenuous"]
    assert "level" not in found


def test_rows_are_adjusted_for_their_table_in_every_run(before: EvaluationRun, after: EvaluationRun) -> None:
    """Six fixes of one difficulty, looked at beside another difficulty and in two runs, are four tests."""
    tags = [("1", "plain")] * 6 + [("3", "plain")]
    first, second = run_of_tags(before, [False] * 7, tags), run_of_tags(after, [True] * 6 + [False], tags)
    row = compare_all(first, [second, second])[0].tags["difficulty"][0]
    assert (row.p, row.p_holm) == (0.03125, 0.125)


def test_page_and_json_show_the_tables(base: EvaluationRun, tuned: EvaluationRun) -> None:
    """A table for each tag; without tags there is none."""
    comparison = compare(base, tuned)
    page, record = render_comparison(comparison), comparison_record(comparison)
    assert all(f"<h2>By {name}</h2>" in page for name in ("difficulty", "problem", "level"))
    assert [row["name"] for row in record["tags"]["level"]] == ["easy (1 to 3)", "hard (7 to 10)"]
    assert record["tags"]["difficulty"][0]["delta"] == 0.5
    assert "<h2>By " not in render_comparison(replace(comparison, tags={})).replace("<h2>By category</h2>", "")
