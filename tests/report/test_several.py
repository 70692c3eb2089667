from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from punie.errors import UsageError
from punie.evaluation.outcomes import EvaluationRun, Outcome
from punie.report.case_list import several_cases
from punie.report.compare import compare, compare_all
from punie.report.html import render_several
from punie.report.pages import write_comparison_page, write_comparison_pages
from punie.report.several import Several, side_by_side
from punie.report.taught import Teaching

RunMaker = Callable[..., EvaluationRun]

BASE = [True] * 8 + [False] * 16
BETTER = [True] * 23 + [False]
WORSE = [False] * 24
UNSURE = [False, *BASE[1:-1], True]


def several(run_of: RunMaker, *runs: Sequence[bool], names: str = "bcdefgh") -> Several:
    others = [run_of(name, {"reasoning": rights}) for name, rights in zip(names, runs, strict=False)]
    return side_by_side(compare_all(run_of("a", {"reasoning": BASE}), others))


@pytest.mark.parametrize(
    ("runs", "statement"),
    [
        ([BETTER, UNSURE], "1 of 2 runs is better than a. Most of all b: 23 of 24 right, a 8 of 24."),
        (
            [UNSURE, BETTER, WORSE],
            "1 of 3 runs is better than a; 1 is worse. Most of all c: 23 of 24 right, a 8 of 24.",
        ),
        (
            [BETTER[:-2] + [False] * 2, BETTER],
            "2 of 2 runs are better than a. Most of all c: 23 of 24 right, a 8 of 24.",
        ),
        ([UNSURE, UNSURE], "No run of 2 is shown to be better than a."),
        ([WORSE, WORSE, UNSURE], "No run of 3 is shown to be better than a; 2 are worse."),
    ],
)
def test_the_sentence_counts_verdicts_and_names_the_best(
    run_of: RunMaker, runs: list[list[bool]], statement: str
) -> None:
    """Only a run that the test calls better is ever named as the best, and what is worse is said too."""
    assert several(run_of, *runs).statement == statement


def test_being_the_best_of_several_is_put_into_proportion(run_of: RunMaker) -> None:
    """The evidence says against what was tested, for how many runs it is adjusted, and that choosing flatters."""
    evidence = several(run_of, BETTER, UNSURE).evidence
    assert "adjusted for 2 runs" in evidence
    assert "tested against a, and none against another" in evidence
    assert "looks better than it is" in evidence


def test_where_no_run_is_better_the_highest_is_named(run_of: RunMaker) -> None:
    """With how sure that is and where it got worse."""
    found = several(run_of, UNSURE, [*BASE[:7], *[False] * 17])
    assert found.best is None
    assert found.evidence.startswith(f"Highest is b, inconclusive: {found.comparisons[0].evidence}. 1 case got worse")


@pytest.mark.parametrize(
    ("base", "others", "bucket"),
    [
        (True, [False, True], "broken"),
        (False, [False, True], "fixed"),
        (False, [False, False], "still failing"),
        (True, [True, True], "still right"),
        (True, [None, True], "still right"),
        (True, [None, False], "broken"),
        (True, [None, None], "not scored"),
    ],
)
def test_a_case_is_grouped_by_the_worst_of_the_runs(
    run_of: RunMaker, base: bool, others: list[bool | None], bucket: str
) -> None:
    """Broken in one run is broken; what one run could not be judged on is told by the others."""
    runs = [judged(run_of, name, right) for name, right in zip("bc", others, strict=True)]
    found = side_by_side(compare_all(run_of("a", {"reasoning": [base]}), runs))
    assert [case.bucket.value for case in found.cases] == [bucket]


def judged(run_of: RunMaker, name: str, right: bool | None) -> EvaluationRun:
    run = run_of(name, {"reasoning": [bool(right)]})
    unscored = {"outcome": Outcome.UNSCORED, "value": None}
    return run if right is not None else replace(run, trials=(run.trials[0].model_copy(update=unscored),))


def test_what_several_runs_were_taught_is_said_once(run_of: RunMaker) -> None:
    """Runs that learned the same cases share a sentence; another finding has its own; nothing found is not said."""
    found = several(run_of, BETTER, BETTER, UNSURE, UNSURE)
    cases = [{"reasoning-002": "prompt"}, {"reasoning-002": "prompt"}, {"reasoning-003": "prompt"}, {}]
    taught = [
        replace(comparison, taught=(Teaching(comparison.after.name, 9, of_run),))
        for comparison, of_run in zip(found.comparisons, cases, strict=True)
    ]
    said = [text.split(" repeat ")[0] for text in side_by_side(taught).doubts]
    assert said == ["The training data of b and c", "The training data of d"]


def test_a_doubt_about_several_runs_is_said_once(run_of: RunMaker) -> None:
    """With all their names, and of a run in which nothing is right once for all its categories."""
    lost = {"reasoning": [False] * 8, "code_generation": [False] * 4}
    won = {"reasoning": [True] * 8, "code_generation": [False] * 4}
    others = [run_of("b", lost), run_of("c", lost), run_of("d", won)]
    changed = [replace(run, record=run.record.model_copy(update={"concurrency": 3})) for run in others[:2]]
    found = side_by_side(compare_all(run_of("a", lost), [*changed, others[2]]))
    assert [text for text in found.unlike if "Concurrency" in text] == [
        "b and c: Concurrency differs: 8 before, 3 after."
    ]
    assert [text.split(":")[0] for text in found.doubts if "read a few" in text] == [
        "In a, b and c, no answer is right (0 of 12)",
        "In d, no answer in Code generation is right (0 of 4)",
    ]


def test_every_run_keeps_its_column(run_of: RunMaker) -> None:
    """A run that was not asked a case or a category leaves its place empty, and moves no other."""
    base = run_of("a", {"reasoning": [True, True], "code_generation": [False]})
    short, full = (
        run_of("b", {"reasoning": [True]}),
        run_of("c", {"reasoning": [True, False], "code_generation": [True]}),
    )
    found = side_by_side(compare_all(base, (short, full)))
    assert [[row and row.fixed for row in category.rows] for category in found.categories] == [[0, 0], [None, 1]]
    paths = [view.path for group in several_cases(found).groups.values() for view in group]
    assert [text for text, _ in paths[0]] == ["right", "not asked", paths[0][2][0]]
    assert all(len(path) == 3 for path in paths)


def test_answers_that_say_the_same_stand_once(run_of: RunMaker) -> None:
    """Under the names of their runs, from the fastest to the slowest; what differs in one sign stands apart."""
    base, same, other = (run_of(name, {"reasoning": [True]}) for name in "abc")
    slow = [run.trials[0].answer.model_copy(update={"seconds": 9.0}) for run in (same,) if run.trials[0].answer]
    shorter = [run.trials[0].answer.model_copy(update={"text": "78"}) for run in (other,) if run.trials[0].answer]
    same, other = (
        replace(run, trials=(run.trials[0].model_copy(update={"answer": answer}),))
        for run, answer in ((same, slow[0]), (other, shorter[0]))
    )
    (view,) = several_cases(side_by_side(compare_all(base, (same, other)))).groups["still right"]
    assert [answer.label for answer in view.answers] == ["a, b", "c"]
    assert view.answers[0].seconds.endswith(" to 9.00 s")
    assert view.slowest == 9.0


def test_numbers_of_the_page_are_those_of_each_comparison(
    before: EvaluationRun, after: EvaluationRun, tmp_path: Path
) -> None:
    """The page of several runs, its JSON and the page of each run tell the same."""
    other = replace(after, record=after.record.model_copy(update={"name": "other"}))
    found = compare_all(before, (after, other))
    pages = write_comparison_pages(found, tmp_path / "out", tmp_path)
    record = json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))
    assert [page.relative_to(tmp_path / "out").parts[0] for page in pages] == [
        "comparison.html", "baseline-vs-tuned", "baseline-vs-other",
    ]  # fmt: skip
    for page, comparison in zip(pages[1:], record["comparisons"], strict=True):
        assert json.loads(page.with_suffix(".json").read_text(encoding="utf-8")) == comparison
    assert record["overall"]["right"] == sum(row["right"] for row in record["categories"])
    assert 'href="baseline-vs-tuned/comparison.html#case-' in pages[0].read_text(encoding="utf-8")


def test_runs_of_one_name_keep_pages_of_their_own(before: EvaluationRun, after: EvaluationRun, tmp_path: Path) -> None:
    """Folders of the same name in two places do not overwrite each other's page."""
    pages = write_comparison_pages(compare_all(before, (after, after)), None, tmp_path)
    names = [page.parent.name for page in pages]
    assert names == ["baseline-vs-tuned+tuned-2", "baseline-vs-tuned", "baseline-vs-tuned-2"]


def test_a_link_is_an_address_whatever_the_runs_are_called(run_of: RunMaker, tmp_path: Path) -> None:
    """Signs that mean something in an address are written out, and no name is a script."""
    rights = {"reasoning": [True]}
    found = compare_all(run_of("javascript:alert(1)", rights), (run_of("b #1?", rights), run_of("c", rights)))
    page = write_comparison_pages(found, tmp_path / "out", tmp_path)[0].read_text(encoding="utf-8")
    assert '<a href="javascript%3Aalert%281%29-vs-b%20%231%3F/comparison.html">b #1?</a>' in page


def test_names_of_runs_stay_text(run_of: RunMaker, tmp_path: Path) -> None:
    """What a folder is called adds no element to the page."""
    rights = {"reasoning": [True]}
    found = compare_all(run_of("<img src=x>", rights), (run_of("</title><b>", rights), run_of('"onload="', rights)))
    page = render_several(side_by_side(found), ["one", "two"])
    assert not re.search(r"<img|</title><b>|\"onload", page)
    assert page.count("&lt;img src=x&gt;") > 3


def test_more_runs_than_can_be_read_are_refused(run_of: RunMaker, tmp_path: Path) -> None:
    """Eight is the most, the base among them, and nothing is written of nine."""
    assert len(several(run_of, *[UNSURE] * 7).names) == 8
    base, run = run_of("a", {"reasoning": [True]}), run_of("b", {"reasoning": [True]})
    with pytest.raises(UsageError, match="9 runs are too many"):
        write_comparison_pages(compare_all(base, [run] * 8), None, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_page_drawn_twice_is_the_same_bytes(before: EvaluationRun, after: EvaluationRun, tmp_path: Path) -> None:
    """Neither the time nor the place of drawing is in a page or its JSON."""
    for folder in ("one", "two"):
        write_comparison_page(compare(before, after), tmp_path / folder)
        write_comparison_pages(compare_all(before, (after, before)), tmp_path / folder / "several", tmp_path)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert len(files) == 8
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
