"""The journal: read from folders, in order of time, with what made each run."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from punie import fingerprint
from punie.evaluation.outcomes import EvaluationRun
from punie.evaluation.runs import PartialRun
from punie.evaluation.suite import hash_cases
from punie.files import write_jsonl
from punie.moments import now
from punie.report.boards import boards
from punie.report.compare import compare_all
from punie.report.entries import Journal, Training
from punie.report.experiments import write_experiment
from punie.report.history import evaluation_changes, rows_of, training_changes
from punie.report.journal import read_journal
from punie.report.journal_page import journal_markdown, journal_record, links_from, render_journal
from punie.report.pages import write_comparison_pages, write_run_page
from punie.sharing.evidence import gather
from punie.training.metrics import Stopped, append_metric
from punie.training.request import parse_plan
from punie.training.runner import train

from .conftest import make_identity, make_suite, outcomes_run

Saved = Callable[..., EvaluationRun]


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    """A finished evaluation of four cases in `reports`, recorded at an hour of one day."""

    def save(name: str, hour: int, *, right: int = 2, suite: str = "tiny", **changes: object) -> EvaluationRun:
        drawn = outcomes_run(name, {"reasoning": [True] * right + [False] * (4 - right)}, **changes)
        asked = make_suite(4, name=suite, hash=hash_cases(trial.case for trial in drawn.trials))
        record = drawn.record.model_copy(update={"suites": (asked,), "created": f"2026-11-20T{hour:02}:00:00+00:00"})
        trials = tuple(trial.model_copy(update={"suite": suite}) for trial in drawn.trials)
        with PartialRun(tmp_path / "reports" / name) as partial:
            partial.resume({})
            for trial in trials:
                partial.add(trial)
            partial.finish(record, [trial.key for trial in trials])
        return replace(drawn, record=record, trials=trials)

    return save


@pytest.fixture(scope="module")
def adapter(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real training of two iterations, in `adapters/short`, on rows in `data`."""
    root = tmp_path_factory.mktemp("project")
    for split in ("train", "valid"):
        write_jsonl(root / "data" / f"{split}.jsonl", ({"text": f"{split} row {number}"} for number in range(4)))
    where = {"model": str(tiny_model), "data": str(root / "data"), "adapter_path": str(root / "adapters" / "short")}
    train(parse_plan({**where, "iters": 2, "batch_size": 2, "num_layers": 1}, where="test"))
    return root / "adapters" / "short"


def names(journal: Journal) -> list[str]:
    return [one.place.name for one in journal.evaluations]


def test_entries_stand_in_the_order_they_were_recorded(saved: Saved, tmp_path: Path) -> None:
    """Names and file times say nothing about it."""
    for name, hour in (("b-second", 9), ("a-third", 11), ("c-first", 7)):
        saved(name, hour)
    os.utime(tmp_path / "reports" / "a-third" / "run.json", (0, 0))
    assert names(read_journal([tmp_path / "reports"])) == ["c-first", "b-second", "a-third"]


def test_runs_of_one_second_keep_their_order(saved: Saved, tmp_path: Path) -> None:
    """Records tell milliseconds; where even those are the same, the file that was written first comes first."""
    assert re.fullmatch(r"[\d-]{10}T[\d:]{8}\.\d{3}\+00:00", now())
    for name, fraction in (("c", ".100"), ("b", ".900"), ("a", ".900")):
        saved(name, 9)
        record = tmp_path / "reports" / name / "run.json"
        record.write_text(record.read_text().replace("T09:00:00+", f"T09:00:00{fraction}+"))
    for name, written in (("c", 3), ("b", 1), ("a", 2)):
        for path in (tmp_path / "reports" / name).iterdir():
            os.utime(path, (written, written))
    assert names(read_journal([tmp_path / "reports"])) == ["c", "b", "a"]


def test_the_newest_comparison_is_the_one_that_was_made_last(saved: Saved, tmp_path: Path) -> None:
    """Two comparisons with one run are of one time; names do not say which is shown as the latest."""
    base, first, second = (saved(name, hour) for name, hour in (("base", 12), ("x", 8), ("y", 9)))
    for written, (name, run) in enumerate(
        (("z-made-first", first), ("a-made-second", second), ("m-made-third", first))
    ):
        write_comparison_pages(compare_all(base, [run]), tmp_path / "reports" / name, tmp_path)
        for path in (tmp_path / "reports" / name).iterdir():
            os.utime(path, (written, written))
    found = read_journal([tmp_path / "reports"]).comparisons
    assert [one.place.name for one in found] == ["z-made-first", "a-made-second", "m-made-third"]


def test_evidence_is_the_oldest_first_beside_the_newest_base(saved: Saved, adapter: Path, tmp_path: Path) -> None:
    """What a card says of an adapter goes by the time of its evaluations, and of the model's alone."""
    mine = make_identity(adapter="adapters/short", adapter_hash=fingerprint.adapter(adapter))
    for name, hour, right, identity in (
        ("z-old-base", 1, 1, make_identity()),
        ("a-new-base", 2, 4, make_identity()),
        ("d-first", 3, 3, mine),
        ("c-second", 4, 3, mine),
    ):
        saved(name, hour, right=right, identity=identity)
    found = gather(adapter, [], tmp_path / "reports")
    assert [one.summary.record.name for one in found] == ["d-first", "c-second"]
    assert {one.comparison.before.name for one in found if one.comparison} == {"a-new-base"}


def test_runs_that_were_asked_otherwise_stand_apart(saved: Saved, tmp_path: Path) -> None:
    """A table holds one choice of cases; a chart is drawn from two runs on, with every interval."""
    saved("one", 1, right=1)
    saved("other", 2, suite="other")
    saved("two", 3, right=3)
    first, second = boards(read_journal([tmp_path]))
    assert [line.run.record.name for line in first.lines] == ["one", "two"]
    assert [line.run.record.name for line in second.lines] == ["other"]
    assert not list(second.charts())
    for chart in first.charts():
        (line,) = chart.lines
        assert len(line.dots) == 2
        assert all(dot.reach and dot.reach[0] < dot.top < dot.reach[1] for dot in line.dots)


def test_what_is_broken_or_unfinished_is_a_row_with_a_reason(saved: Saved, adapter: Path, tmp_path: Path) -> None:
    """Nothing is left out, and nothing broken keeps the rest from being shown."""
    reports = tmp_path / "reports"
    saved("good", 1)
    for name, content in (("torn", "{"), ("foreign", '{"format": 99}')):
        (reports / name).mkdir()
        (reports / name / "run.json").write_text(content)
    saved("short-of-a-case", 2)
    samples = reports / "short-of-a-case" / "samples.jsonl"
    samples.write_bytes(b"".join(samples.read_bytes().splitlines(keepends=True)[:-1]))
    run = outcomes_run("going", {"reasoning": [True, False]})
    with PartialRun(reports / "going") as partial:
        partial.resume({}, trials=9)
        partial.add(run.trials[0])
    (reports / "compared").mkdir()
    (reports / "compared" / "comparison.json").write_text("[]")
    stopped = tmp_path / "adapters" / "stopped" / "run"
    stopped.mkdir(parents=True)
    (stopped / "plan.yaml").write_bytes((adapter / "run" / "plan.yaml").read_bytes())
    append_metric(stopped / "metrics.jsonl", Stopped(iteration=1))

    journal = read_journal([reports, tmp_path / "adapters"])
    reasons = {one.place.name: one.reason for one in journal.unfinished}
    assert names(journal) == ["good"]
    assert set(reasons) == {"torn", "foreign", "short-of-a-case", "going", "compared", "stopped"}
    assert "JSON" in reasons["torn"]
    assert "format 99" in reasons["foreign"]
    assert "3 cases" in reasons["short-of-a-case"]
    assert "1 of 9 answers" in reasons["going"]
    assert "Interrupted after 1 of 2" in reasons["stopped"]
    assert {one.place.name for one in journal.unfinished if one.live} == {"going", "stopped"}
    page = render_journal(journal, links_from(tmp_path / "index.html"))
    assert all(name in page for name in reasons)


def test_experiments_are_told_with_what_they_came_to(tmp_path: Path) -> None:
    """With kind, page and time; drawn again with the same result it keeps its time; a torn record is a row."""
    reports = tmp_path / "reports"
    for name, kind in (("rates", "sweep"), ("whole", "chain"), ("torn", "chain")):
        (reports / name).mkdir(parents=True)
        write_experiment(reports / name, kind, f"{name} came to this.")
    (reports / "rates" / "report.html").write_text("page")
    (reports / "torn" / "experiment.json").write_text('{"kind": "guess"}')
    first = (reports / "rates" / "experiment.json").read_bytes()
    write_experiment(reports / "rates", "sweep", "rates came to this.")
    assert (reports / "rates" / "experiment.json").read_bytes() == first

    journal = read_journal([reports])
    assert [one.place.name for one in journal.experiments] == ["rates", "whole"]
    assert [one.place.name for one in journal.unfinished] == ["torn"]
    link = links_from(tmp_path / "index.html")
    page, text = render_journal(journal, link), journal_markdown(journal, link)
    assert "0 comparisons and 2 experiments" in page
    assert '<a href="reports/rates/report.html">rates</a> · sweep' in page
    assert "| sweep | [rates](reports/rates/report.html) | rates came to this. |" in text
    told = [(one["kind"], one["headline"]) for one in journal_record(journal)["experiments"]]
    assert told == [("sweep", "rates came to this."), ("chain", "whole came to this.")]


def test_an_adapter_is_traced_to_its_rows_by_hash(saved: Saved, adapter: Path, tmp_path: Path) -> None:
    """The name of a folder proves nothing; an adapter that is not here is said to be not here."""
    (trained,) = read_journal([adapter.parent]).trainings
    assert trained.record.outcome is not None
    right, wrong = trained.record.outcome.adapter_hash, f"sha256:{'0' * 64}"
    for hour, (name, found) in enumerate({"base": None, "mine": right, "namesake": wrong}.items()):
        given = None if found is None else "adapters/short"
        saved(name, hour, identity=make_identity(adapter=given, adapter_hash=found))
    journal = read_journal([adapter.parent, tmp_path])
    (board,) = boards(journal)
    assert [line.adapter for line in board.lines] == ["", "short, 2 iterations", "adapters/short"]
    assert [line.dataset for line in board.lines] == ["", "data, 4 rows", ""]
    assert "is not in these folders" in render_journal(journal, links_from(tmp_path / "index.html"))
    labels = [change.label for change in evaluation_changes(*journal.evaluations[:2], journal)]
    assert labels == ["Adapter", "Adapter hash", "Dataset", "Dataset hash", "Training rows", "Chosen checkpoint"]


def test_what_changed_between_two_trainings_is_told(adapter: Path) -> None:
    """Every key of the plan that differs and nothing else; and rows that are not what was learned from."""
    (trained,) = read_journal([adapter.parent]).trainings
    plan = trained.record.plan.model_copy(update={"rank": 4, "adapter_path": "elsewhere"})
    other = Training(trained.place, replace(trained.record, plan=plan))
    (change,) = training_changes(trained, other)
    assert (change.label, change.after) == ("Plan: rank", "4")
    assert "does not exist" in rows_of(trained).unknown


def test_a_note_stays_when_everything_is_drawn_again(saved: Saved, tmp_path: Path) -> None:
    """note.txt is the owner's: shown on the page, in Markdown and in JSON, and never written."""
    run = saved("one", 1)
    (tmp_path / "reports" / "one" / "note.txt").write_text("few steps | on <purpose>\n")
    write_run_page(run, tmp_path / "reports" / "one")
    journal, link = read_journal([tmp_path / "reports"]), links_from(tmp_path / "index.html")
    assert "few steps | on &lt;purpose&gt;" in render_journal(journal, link)
    assert r"few steps \| on \<purpose\>" in journal_markdown(journal, link)
    assert "few steps | on <purpose>" in json.dumps(journal_record(journal))


def test_every_page_is_linked_from_where_the_journal_lies(saved: Saved, tmp_path: Path) -> None:
    """Links are relative and lead to files; a folder without a page is named all the same."""
    runs = [saved(name, hour) for hour, name in enumerate(("base", "one more"))]
    saved("undrawn", 5)
    for run in runs:
        write_run_page(run, tmp_path / "reports" / run.record.name)
    write_comparison_pages(compare_all(*runs[:1], runs[1:]), tmp_path / "reports" / "compared", tmp_path)
    journal = read_journal([tmp_path / "reports"])
    text = journal_markdown(journal, links_from(tmp_path / "docs" / "journal.md"))
    assert "../reports/one%20more/report.html" in text
    assert "../reports/compared/comparison.html" in text
    assert "| undrawn |" in text
    assert "What changed between base and one more" in render_journal(journal, links_from(tmp_path / "x.html"))


def test_drawn_twice_it_is_the_same(saved: Saved, tmp_path: Path) -> None:
    """Byte by byte; links out of the folder are not followed."""
    saved("one", 1)
    (tmp_path / "reports" / "loop").symlink_to(tmp_path / "reports")
    link = links_from(tmp_path / "index.html")
    first, second = (render_journal(read_journal([tmp_path / "reports"]), link) for _ in range(2))
    assert first == second
    assert names(read_journal([tmp_path / "reports"])) == ["one"]
