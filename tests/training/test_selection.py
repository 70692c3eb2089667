"""The checkpoint that becomes the adapter: chosen by losses that were measured, protected, and named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from punie.errors import DivergedError, UsageError
from punie.files import hash_file, make_folder, write_jsonl
from punie.training.adapter import AdapterFolder
from punie.training.metrics import ValidLoss, read_metrics
from punie.training.outcome import read_outcome
from punie.training.progress import Progress, Validation
from punie.training.runner import train
from punie.training.scores import Score
from punie.training.selection import Selection, Selector

from .conftest import PlanMaker, Stopper, chat

FALLS_AND_RISES = [Validation(*pair) for pair in ((0, 4.0), (10, 3.0), (20, 2.5), (30, 2.6), (40, 2.7))]


def selector(select: str = "best", patience: int | None = None, min_delta: float = 0.0, keep: int = -1) -> Selector:
    return Selector(select, patience, min_delta, keep, first=2)  # ty: ignore[invalid-argument-type]


def reached(iteration: int, validations: list[Validation]) -> Progress:
    return Progress(model_hash="", data_hash="", iteration=iteration, validations=tuple(validations))


@pytest.mark.parametrize(
    ("select", "validations", "expected"),
    [
        ("best", FALLS_AND_RISES, Selection(20, 2.5, 4, "the lowest validation loss of 4")),
        ("last", FALLS_AND_RISES, Selection(40, 2.7, 1, "the plan asks for the last")),
        ("best", [], Selection(40, None, 1, "there was nothing to choose by")),
        ("best", FALLS_AND_RISES[:1], Selection(40, None, 1, "there was nothing to choose by")),
        ("last", FALLS_AND_RISES[:2], Selection(40, None, 1, "the plan asks for the last")),
        ("best", [Validation(10, 2.0), Validation(20, 2.0)], Selection(10, 2.0, 2, "the lowest validation loss of 2")),
    ],
)
def test_a_choice_says_how_it_was_made(select: str, validations: list[Validation], expected: Selection) -> None:
    """Loss, number of candidates and reason are those of the checkpoint that was taken."""
    assert selector(select).choose(reached(40, validations)) == expected


def test_training_that_did_not_help_is_said() -> None:
    """The model before training is no candidate, yet its loss is held against the best."""
    choice = selector().choose(reached(10, [Validation(0, 1.0), Validation(10, 3.0)]))
    assert choice.reason.endswith("no lower than that of the model before training")


@pytest.mark.parametrize(
    ("patience", "min_delta", "exhausted"),
    [(None, 0.0, False), (1, 0.0, True), (2, 0.0, True), (3, 0.0, False), (3, 0.6, True), (3, 0.4, False)],
)
def test_patience_counts_validations_without_improvement(
    patience: int | None, min_delta: float, exhausted: bool
) -> None:
    """What is lower by min_delta or less is no improvement."""
    assert selector(patience=patience, min_delta=min_delta).exhausted(reached(40, FALLS_AND_RISES)) == exhausted


def scored(*rights: int, losses: dict[int, float] | None = None) -> Progress:
    """Scores of ten cases each, ten iterations apart, with an interval of three answers to either side."""
    scores = tuple(
        Score(10 * number, "ten", "", right=right, counted=10, low=(right - 3) / 10)
        for number, right in enumerate(rights, 1)
    )
    validations = [Validation(*pair) for pair in (losses or {}).items()]
    return replace(reached(10 * len(rights), validations), scores=scores)


@pytest.mark.parametrize(
    ("progress", "iteration", "alike"),
    [
        (scored(2, 6, 5, 1), 20, 2),
        (scored(6, 6, 6), 10, 3),
        (scored(6, 6, 6, losses={10: 2.0, 20: 1.0, 30: 3.0}), 20, 3),
        (scored(6, 6, losses={20: 9.0}), 20, 2),
        (scored(0, 0, 7, losses={10: 0.1}), 30, 1),
    ],
)
def test_the_highest_score_is_chosen_by_a_stated_rule(progress: Progress, iteration: int, alike: int) -> None:
    """Of equal ones the lowest loss that was measured there, then the earliest; how many are as good is told."""
    choice = selector("score").choose(progress)
    assert (choice.iteration, choice.alike, choice.candidates) == (iteration, alike, len(progress.scores))
    assert selector("score").best(progress) == iteration


@pytest.mark.parametrize(
    ("patience", "min_delta", "exhausted"), [(1, 0.0, True), (2, 0.0, False), (2, 0.15, True), (3, 0.15, False)]
)
def test_patience_goes_by_scores_where_they_choose(patience: int, min_delta: float, exhausted: bool) -> None:
    """A gain of min_delta of the cases or less is none; losses do not count."""
    progress = scored(2, 5, 6, 6, losses={10: 1.0, 20: 2.0, 30: 3.0})
    assert selector("score", patience, min_delta).exhausted(progress) == exhausted


@pytest.mark.parametrize(("keep", "gone"), [(-1, set()), (4, set()), (2, {8}), (1, {8, 12}), (0, {8, 12, 16})])
def test_old_checkpoints_go_and_the_best_stays(keep: int, gone: set[int]) -> None:
    """Counted from the newest; the protected one may be older than all of them."""
    assert selector(keep=keep).superfluous([4, 8, 12, 16], protected=4) == gone


def test_the_newest_checkpoint_is_the_one_of_most_iterations(tmp_path: Path) -> None:
    """Also where its file comes first by name."""
    folder = AdapterFolder(tmp_path)
    make_folder(folder.unfinished)
    for iteration in (9_999_998, 9_999_999, 10_000_000):
        folder.checkpoint(iteration).touch()
    assert selector(keep=1).superfluous(folder.checkpoints(), protected=None) == {9_999_998, 9_999_999}


@pytest.fixture
def spoiling(make_plan: PlanMaker, tmp_path: Path) -> dict:
    """Knobs under which the validation loss falls first, and then rises."""
    write_jsonl(tmp_path / "data" / "train.jsonl", map(chat, [3] * 8))
    write_jsonl(tmp_path / "data" / "valid.jsonl", map(chat, range(50, 54)))
    pace = {"learning_rate": 1e-2, "schedule": "constant", "warmup": 0, "initial_learning_rate": 0.0, "decay": None}
    rhythm = {"final_learning_rate": 0.0, "iters": 40, "steps_per_eval": 2, "save_every": 6, "keep_checkpoints": 1}
    return {**pace, **rhythm, "data": str(tmp_path / "data"), "select": "best", "patience": 3, "min_delta": 0.0}


def test_the_best_checkpoint_becomes_the_adapter(
    make_plan: PlanMaker, stop_at_save: Stopper, tmp_path: Path, spoiling: dict
) -> None:
    """Patience ends the run; the best checkpoint, older than others and than an interruption, is the adapter."""
    plan = make_plan(tmp_path / "run", **spoiling)
    stop_at_save(plan, 3)
    outcome = train(plan, resume=True)
    losses = {m.iteration: m.loss for m in read_metrics(tmp_path / "run/run/metrics.jsonl") if isinstance(m, ValidLoss)}
    del losses[0]
    best = min(losses, key=lambda iteration: losses[iteration])
    assert outcome.stopped_early
    assert best < outcome.iterations == max(losses) < plan.iters
    assert outcome.selection == Selection(best, losses[best], len(losses), outcome.selection.reason)
    assert outcome.valid_loss == losses[best]
    checkpoints = sorted(file.name for file in (tmp_path / "run").glob("0*"))
    assert f"{best:07d}_adapters.safetensors" in checkpoints
    assert len(checkpoints) == 2
    adapter = hash_file(tmp_path / "run" / "adapters.safetensors")
    assert adapter == hash_file(tmp_path / "run" / f"{best:07d}_adapters.safetensors")
    assert read_outcome(tmp_path / "run") == outcome


def test_a_rate_that_destroys_the_model_ends_the_run(make_plan: PlanMaker, tmp_path: Path) -> None:
    """Its losses stay numbers, so it is the validation that tells, with the rate."""
    rates = {"learning_rate": 0.5, "schedule": "constant", "decay": None, "final_learning_rate": 0.0}
    with pytest.raises(DivergedError, match=r"learning rate 0\.5; it was .* blind guessing") as caught:
        train(make_plan(tmp_path / "run", **rates))
    assert caught.value.exit_code == 5
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["run"]


def test_patience_without_validation_rows_is_refused(make_plan: PlanMaker, tmp_path: Path, data: Path) -> None:
    """It would wait for ever."""
    write_jsonl(tmp_path / "train.jsonl", map(chat, range(4)))
    with pytest.raises(UsageError, match=r"no valid\.jsonl"):
        train(make_plan(tmp_path / "run", data=str(tmp_path)))
    assert not (tmp_path / "run").exists()
