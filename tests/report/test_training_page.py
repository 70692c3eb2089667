"""The training page: from real runs of the embedded model, whatever became of them; nothing in it can run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace
from signals import Hit

from punie.cli.watching import page_of_training
from punie.data.ledger import Removal
from punie.errors import InterruptedRun, UsageError
from punie.files import write_jsonl
from punie.report.pages import redraw, write_training_page
from punie.report.training import Fate, TrainingRecord, read_training
from punie.report.training_page import render_training
from punie.training.adapter import AdapterFolder
from punie.training.metrics import (
    Done,
    Echo,
    Failed,
    TrainLoss,
    ValidLoss,
    append_metric,
    read_metrics,
    rewrite_metrics,
)
from punie.training.plan import TrainingPlan
from punie.training.prediction import Prediction, write_prediction
from punie.training.request import parse_plan
from punie.training.runner import train

HOSTILE = "<img src=x onerror=alert(1)> & \u202e'\""


def row(number: int) -> dict:
    said = HOSTILE if number == 3 else f"{number} and {number + 1}. " * (1 + 12 * (number % 5 == 0))
    asked = {"role": "user", "content": f"count {number}"}
    return {"messages": [asked, {"role": "assistant", "content": said}], "half": "low" if number < 8 else "high"}


@pytest.fixture(scope="session")
def make_plan(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., TrainingPlan]:
    """Two stages over 16 chats, of which the longest are dropped, into a folder with a hostile name."""
    data = tmp_path_factory.mktemp("data") / ("w" * 120)
    write_jsonl(data / "train.jsonl", map(row, range(16)))
    write_jsonl(data / "valid.jsonl", map(row, range(21, 25)))
    stages = [{"name": name, "iters": 4, "where": {"half": [name]}} for name in ("low", "high")]
    given = {"model": str(tiny_model), "data": str(data), "batch_size": 2, "learning_rate": 3e-3, "stages": stages}
    rhythm = {
        "steps_per_report": 1,
        "steps_per_eval": 4,
        "save_every": 2,
        "max_seq_length": 96,
        "overlong": "drop",
        "num_layers": 2,
    }

    def make(**changes: object) -> TrainingPlan:
        folder = tmp_path_factory.mktemp("runs") / HOSTILE
        return parse_plan({**given, **rhythm, "adapter_path": str(folder), **changes}, where="test")

    return make


@pytest.fixture(scope="session")
def finished(make_plan: Callable[..., TrainingPlan]) -> Path:
    plan = make_plan()
    train(plan)
    return Path(plan.adapter_path)


@pytest.fixture(scope="session")
def interrupted(make_plan: Callable[..., TrainingPlan]) -> Path:
    """Asked to stop at its second save, after four iterations."""
    plan = make_plan()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(InterruptedRun):
        Hit("punie.training.worker", "os.rename state.safetensors 2", "SIGTERM").arm(patch)
        train(plan)
    return Path(plan.adapter_path)


def copied(folder: Path, target: Path, *, losing: str = "") -> AdapterFolder:
    shutil.copytree(folder, target)
    if losing:
        (target / "run" / losing).unlink()
    return AdapterFolder(target)


def cut_short(folder: AdapterFolder) -> None:
    """The record ends after the fifth iteration, as that of a killed process does."""
    metrics = [metric for metric in read_metrics(folder.metrics) if not isinstance(metric, Done)]
    rewrite_metrics(folder.metrics, [metric for metric in metrics if getattr(metric, "iteration", 0) <= 5])


def with_losses(record: TrainingRecord, tmp_path: Path, first: float, chosen: float) -> TrainingRecord:
    """The same run, had its validations come out like this."""
    folder = copied(record.folder.root, tmp_path / f"{first}-{chosen}")
    text = folder.outcome.read_text()
    assert record.outcome is not None
    for key, was, is_ in (
        ("first_valid_loss", record.outcome.first_valid_loss, first),
        ("valid_loss", record.outcome.valid_loss, chosen),
    ):
        text = text.replace(f'"{key}":{was}', f'"{key}":{is_}').replace(f'"{key}": {was}', f'"{key}": {is_}')
    folder.outcome.write_text(text)
    return read_training(folder.root)


def test_a_finished_run_says_whether_it_learned_and_what_was_chosen(finished: Path) -> None:
    """First both losses, then the checkpoint and how many were compared, then the curves of both stages."""
    record = read_training(finished)
    page = render_training(record)
    assert record.outcome is not None
    assert record.fate is Fate.DONE
    assert f"{record.outcome.first_valid_loss:.4f} to {record.outcome.valid_loss:.4f}." in record.headline
    assert f"<h1>{record.headline}</h1>" in page
    assert f"The checkpoint of iteration {record.outcome.selection.iteration} became the adapter" in page
    assert all(f'<th scope="row">{stage}</th>' in page for stage in ("low", "high"))
    assert all(f'id="chart-{name}-title"' in page for name in ("loss", "speed", "memory", "shares", "learning-rate"))
    assert record.outcome.adapter_hash in page
    told = [metric.loss for metric in record.told(ValidLoss)]
    ends = [f"{first:.4f} → {last:.4f}" for first, last in pairwise(told)]
    assert all(f'<td class="number">{text}</td>' in page for text in ends)
    assert "nats, on 4 of 4 rows" in page


def test_what_was_counted_beforehand_is_what_the_steps_computed(finished: Path) -> None:
    """Steps, positions with padding, and learned tokens, over both stages."""
    record = read_training(finished)
    counted = record.told(Echo)[0].workload
    assert counted is not None
    reports, done = record.told(TrainLoss), record.told(Done)[-1]
    rows = record.plan.iters * record.plan.batch_size
    tokens = [after.tokens - before for before, after in zip([0, *(m.tokens for m in reports)], reports, strict=False)]
    computed = sum(count / (1 - metric.padding) for count, metric in zip(tokens, reports, strict=True))
    assert counted.training.steps == record.plan.iters
    assert counted.training.positions + rows == pytest.approx(computed)
    assert counted.training.targets == done.trained_tokens
    assert counted.validation.targets % len(record.told(ValidLoss)) == 0


def test_what_was_foretold_stands_beside_what_was_measured(finished: Path, interrupted: Path, tmp_path: Path) -> None:
    """Time and memory of a whole run; of one that was not finished there is nothing to hold it against."""
    told = Prediction(seconds=125.0, plus_minus=9.0, peak_memory=4_000_000, measured="2026-11-21T10:00:00+00:00")
    for folder, measured in ((finished, " s</"), (interrupted, "not finished")):
        copy = copied(folder, tmp_path / measured.strip(" </"))
        write_prediction(copy.prediction, told)
        page = render_training(read_training(copy.root))
        assert "foretold 2 min 05 s +- 9.00 s, peak 4.0 MB" in page
        assert measured in page
    assert "foretold" not in render_training(read_training(finished))


@pytest.mark.parametrize(
    ("first", "chosen", "says"),
    [(2.0, 1.5, "It learned: "), (2.0, 1.99, "It hardly learned: "), (2.0, 2.0, "It did not learn: ")],
)
def test_the_headline_claims_no_more_than_the_losses(
    finished: Path, tmp_path: Path, first: float, chosen: float, says: str
) -> None:
    """A loss that fell by less than 1% is hardly learning, one that did not fall is none."""
    assert with_losses(read_training(finished), tmp_path, first, chosen).headline.startswith(says)


def test_dropped_rows_are_counted_and_shown(finished: Path) -> None:
    """Rows that were not learned from are told before the numbers, by rule, with what they said."""
    record = read_training(finished)
    page = render_training(record)
    assert [(rule.rule, rule.rows) for rule in record.removed] == [("max-seq-length", 4)]
    assert "4 training rows were left out." in page
    assert page.index("4 training rows were left out.") < page.index('id="learning"')
    assert "0 and 1. 0 and 1." in page


def test_every_key_of_the_plan_stands_beside_what_came_back(finished: Path) -> None:
    """One row for each field of a plan, and none of them is at odds."""
    page = render_training(read_training(finished))
    assert all(f'<th scope="row">{key}</th>' in page for key in TrainingPlan.model_fields)
    assert "not what the plan says" not in page


@pytest.mark.parametrize(("lost", "accused"), [("weight_decay", False), ("batch_size", True)])
def test_a_key_that_came_later_is_not_called_lost(finished: Path, tmp_path: Path, lost: str, accused: bool) -> None:
    """A run of an earlier version did not know the key, so it is at its default; what was given had to come back."""
    folder = copied(finished, tmp_path / "earlier")
    metrics = read_metrics(folder.metrics)
    known = [
        replace(m, values={key: value for key, value in m.values.items() if key != lost}) if isinstance(m, Echo) else m
        for m in metrics
    ]
    rewrite_metrics(folder.metrics, known)
    page = render_training(read_training(folder.root))
    assert ("not what the plan says" in page) == accused
    assert ("not known to the version that trained" in page) != accused


def test_a_page_drawn_twice_is_the_same(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte by byte, from wherever it is asked for; `punie report` knows an adapter folder from an evaluation's."""
    first = write_training_page(finished).read_bytes()
    monkeypatch.chdir(finished.parent)
    again = redraw(Path(finished.name))
    assert again.samefile(finished / "run" / "report.html")
    assert again.read_bytes() == first


def test_an_interrupted_run_says_so_and_how_to_go_on(interrupted: Path) -> None:
    """The curves so far, no claim about learning, and the command."""
    record = read_training(interrupted)
    page = render_training(record)
    assert record.fate is Fate.STOPPED
    assert record.headline == f"Interrupted after {record.reached} of 8 iterations."
    assert "punie train --config" in page
    assert "punie eval" not in page
    assert 'id="learning"' in page


def test_a_page_is_left_whatever_ended_the_run(interrupted: Path, tmp_path: Path) -> None:
    """After an interruption as after success; not after a request that was refused, which trained nothing."""
    folder = copied(interrupted, tmp_path / "left")
    page, plan = folder.run / "report.html", read_training(interrupted).plan
    plan = plan.model_copy(update={"adapter_path": str(folder.root)})
    for error, left in ((UsageError("refused"), False), (InterruptedRun("stopped"), True)):
        with pytest.raises(type(error)), page_of_training(plan):
            raise error
        assert page.is_file() == left
    page.unlink()
    with page_of_training(plan):
        pass
    assert page.is_file()


def test_a_resumed_run_says_where_it_went_on(interrupted: Path, tmp_path: Path) -> None:
    """The page of the finished run names the iteration after which the second session began."""
    folder = copied(interrupted, tmp_path / "resumed")
    plan = read_training(interrupted).plan.model_copy(update={"adapter_path": str(folder.root)})
    folder.plan.write_text(plan.to_yaml())
    train(plan, resume=True)
    record = read_training(folder.root)
    assert record.fate is Fate.DONE
    assert record.resumed_after == [read_training(interrupted).reached]
    assert f"iteration {record.resumed_after[0]}" in render_training(record)


def test_a_killed_run_is_not_called_anything_else(finished: Path, tmp_path: Path) -> None:
    """A record without a last word, or without any, has a page that claims nothing."""
    folder = copied(finished, tmp_path / "killed", losing="outcome.json")
    cut_short(folder)
    assert read_training(folder.root).headline == "Not finished: the record ends after 5 of 8 iterations."
    folder.metrics.unlink()
    record = read_training(folder.root)
    assert record.headline == "Not finished: the record ends after 0 of 8 iterations."
    assert "before anything was read back" in render_training(record)


def test_a_failed_run_shows_its_own_words(finished: Path, tmp_path: Path) -> None:
    """What diverged, and the advice, from the record; a loss that is no number has no place in the curve."""
    folder = copied(finished, tmp_path / "failed", losing="outcome.json")
    cut_short(folder)
    append_metric(folder.metrics, ValidLoss(iteration=6, loss=1e300, seconds=0.1, padding=0.0, supervised=0.5, rows=4))
    append_metric(folder.metrics, Failed(error="DivergedError", what=HOSTILE, where="here", hint="Lower the rate."))
    record = read_training(folder.root)
    assert record.headline == "Diverged after 6 of 8 iterations."
    page = render_training(record)
    assert "Lower the rate." in page
    assert "<img" not in page


def test_nothing_that_was_named_by_others_is_markup(finished: Path, tmp_path: Path) -> None:
    """Names of folders, of rules and what rows say are text, and characters that turn text around are written out."""
    folder = copied(finished, tmp_path / HOSTILE)
    digest = read_training(finished).removed[0].examples[0].where
    write_jsonl(folder.removed, [Removal(digest, 1, HOSTILE, HOSTILE, {HOSTILE: HOSTILE}, [HOSTILE]).to_row()])
    page = render_training(read_training(folder.root))
    assert "<img" not in page
    assert "\u202e" not in page
    assert page.count("<script") == 1


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    """Nothing is drawn from nothing."""
    with pytest.raises(UsageError, match=r"run\.json"):
        redraw(tmp_path)
    with pytest.raises(UsageError, match="No training"):
        read_training(tmp_path)
