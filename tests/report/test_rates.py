"""Tables of a run: by tag, with partial credit apart, and beside what others published."""

from __future__ import annotations

from dataclasses import replace

import pytest

from punie.evaluation.outcomes import EvaluationRun, Trial
from punie.report.html import render_run
from punie.report.record import summary_record
from punie.report.summary import summarize

from .conftest import make_case, make_suite, make_trial

PUBLISHED = {
    "name": "Elsewhere",
    "note": "Other inputs.",
    "where": {"problem": "plain"},
    "rows": {"category": {"code_generation": [3, 5]}, "difficulty": {"2": [2, 2], "10": [1, 3]}},
}


def tagged(index: int, right: bool, difficulty: str, problem: str, partial: float) -> Trial:
    case = make_case("code_generation", index, tags={"difficulty": difficulty, "problem": problem})
    return make_trial(case, right).model_copy(update={"partial": partial})


@pytest.fixture
def run(before: EvaluationRun) -> EvaluationRun:
    trials = (
        tagged(1, True, "10", "plain", 1.0),
        tagged(2, False, "10", "plain", 0.5),
        tagged(3, False, "2", "plain", 0.0),
        tagged(4, True, "2", "twist", 1.0),
    )
    suites = (make_suite(4, published=PUBLISHED),)
    return replace(before, record=before.record.model_copy(update={"suites": suites}), trials=trials)


def test_each_tag_has_a_table_with_partial_credit_apart(run: EvaluationRun) -> None:
    """Numbers in their order; a partly right answer counts as wrong, and its tests are told beside."""
    tags = summarize(run).tags
    assert [(row.name, row.rate.right, row.rate.counted, row.partial) for row in tags["difficulty"]] == [
        ("2", 1, 2, 0.0),
        ("10", 1, 2, 0.5),
    ]
    assert [(row.name, row.rate.right, row.partial) for row in tags["problem"]] == [
        ("plain", 1, 0.25),
        ("twist", 1, None),
    ]


def test_what_others_published_stands_beside_the_cases_like_theirs(run: EvaluationRun) -> None:
    """Only the plain problems are counted there; the page and the JSON have both numbers and the note."""
    types, levels = summarize(run).beside
    assert (types.rows[0].own.rate.right, types.rows[0].own.rate.counted) == (1, 3)
    assert [(row.own.rate.right, row.own.rate.counted, row.right, row.counted) for row in levels.rows] == [
        (0, 1, 2, 2),
        (1, 2, 1, 3),
    ]
    assert (levels.overall.right, levels.overall.counted, levels.overall.own.rate.counted) == (3, 5, 3)
    page, record = render_run(run), summary_record(summarize(run))
    assert "Beside Elsewhere, by difficulty" in page
    assert "Other inputs." in page
    assert record["beside"][0]["rows"][0]["published"] == {"right": 3, "counted": 5}
    assert record["tags"]["difficulty"][1]["partial"] == 0.5


def test_a_run_without_tags_has_no_such_tables(before: EvaluationRun) -> None:
    """Nothing is drawn where nothing is known."""
    made = summarize(before)
    assert (made.tags, made.beside) == ({}, ())
