"""Scores between steps: training waits for them and learns the same, stops while it waits, and goes on from there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from punie.errors import InterruptedRun, UsageError
from punie.files import hash_file
from punie.training.adapter import AdapterFolder, read_adapter
from punie.training.metrics import Scored, read_metrics
from punie.training.outcome import TrainingOutcome
from punie.training.plan import TrainingPlan
from punie.training.progress import read_progress
from punie.training.runner import train
from punie.training.scores import Score

from .conftest import FinishedRun, PlanMaker

KNOBS = {"score_suite": "baseline", "score_every": 4, "score_cases": 10}


class Grader:
    """Gives each checkpoint of a run so many right answers of ten; None is Ctrl-C while it is asked."""

    def __init__(self, plan: TrainingPlan, rights: Sequence[int | None]) -> None:
        self.folder = AdapterFolder.of(plan)
        self.rights = list(rights)
        self.asked: list[tuple[int, str]] = []

    def __call__(self, iteration: int) -> Score:
        self.asked.append((iteration, read_adapter(self.folder.candidate).hash))
        if (right := self.rights.pop(0)) is None:
            raise KeyboardInterrupt
        return Score(iteration, "ten:dev", "hash", right=right, counted=10, low=right / 10 - 0.2, answers=10)


@pytest.fixture(scope="session")
def scored(make_plan: PlanMaker, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingOutcome, Grader]:
    """The finished run of the other tests, with scores."""
    plan = make_plan(tmp_path_factory.mktemp("runs") / "scored", **KNOBS)
    grader = Grader(plan, [3, 5, 4])
    return train(plan, scorer=grader), grader


def test_scores_change_nothing_that_is_learned(finished: FinishedRun, scored: tuple[TrainingOutcome, Grader]) -> None:
    """The same weights to the bit as without; what is scored is the very adapter that is there at the end."""
    outcome, grader = scored
    assert files_of(grader.folder.root) == files_of(finished.folder)
    assert {score.iteration: score.right for score in outcome.scores} == {4: 3, 8: 5, 12: 4}
    assert grader.asked[-1] == (12, outcome.adapter_hash)
    assert outcome.selection.score == outcome.scores[-1]
    assert [metric.left for metric in read_metrics(grader.folder.metrics) if isinstance(metric, Scored)] == [2, 1, 0]
    assert not grader.folder.candidate.exists()


def test_the_highest_score_becomes_the_adapter(make_plan: PlanMaker, tmp_path: Path) -> None:
    """Its checkpoint is kept though no save was due there, and patience counts scores."""
    rhythm = {"score_every": 2, "save_every": 100, "keep_checkpoints": 0, "patience": 3, "min_delta": 0.0}
    plan = make_plan(tmp_path / "run", **{**KNOBS, **rhythm, "select": "score"})
    grader = Grader(plan, [3, 5, 4, 4, 4])
    outcome = train(plan, scorer=grader)
    assert (outcome.selection.iteration, outcome.iterations, outcome.stopped_early) == (4, 10, True)
    assert outcome.adapter_hash == dict(grader.asked)[4]
    assert (outcome.selection.candidates, outcome.selection.alike) == (5, 5)


@pytest.mark.parametrize(
    "stop_at", [pytest.param(4, marks=pytest.mark.slow), pytest.param(8, marks=pytest.mark.slow), 12]
)
def test_a_run_stopped_while_it_is_scored_ends_as_one_that_was_not(
    scored: tuple[TrainingOutcome, Grader], make_plan: PlanMaker, tmp_path: Path, stop_at: int
) -> None:
    """Everything up to the score is saved; the resumed run asks for it again and ends in the same files."""
    plan = make_plan(tmp_path / "run", **KNOBS)
    assert_same_end(plan, stop_at, *scored)


@pytest.mark.slow
def test_the_other_engine_stops_while_it_is_scored_too(make_plan: PlanMaker, tmp_path: Path) -> None:
    """Its loop is not entered again where every step is done."""
    knobs = {**KNOBS, "engine": "mlx-lm", "mask": "last"}
    alone = make_plan(tmp_path / "alone", **knobs)
    grader = Grader(alone, [3, 5, 4])
    assert_same_end(make_plan(tmp_path / "run", **knobs), 12, train(alone, scorer=grader), grader)


def assert_same_end(plan: TrainingPlan, stop_at: int, whole: TrainingOutcome, grader: Grader) -> None:
    folder, before = AdapterFolder.of(plan), stop_at // 4 - 1
    with pytest.raises(InterruptedRun, match=f"{stop_at} iterations are saved") as caught:
        train(plan, scorer=Grader(plan, [*[3, 5, 4][:before], None]))
    assert caught.value.exit_code == 130
    assert len(read_progress(folder.state).scores) == before
    resumed = train(plan, resume=True, scorer=Grader(plan, [3, 5, 4][before:]))
    assert resumed.scores == whole.scores
    assert resumed.train_loss == pytest.approx(whole.train_loss)
    assert files_of(folder.root) == files_of(grader.folder.root)
    told = [metric.iteration for metric in read_metrics(folder.metrics) if isinstance(metric, Scored)]
    assert told == [4, 8, 12]


def files_of(folder: Path) -> dict[str, str]:
    return {file.name: hash_file(file) for file in folder.glob("*adapters.safetensors")}


def test_a_score_that_could_not_be_had_stops_nothing(make_plan: PlanMaker, tmp_path: Path) -> None:
    """It is recorded with its reason, and is no candidate; where there is none at all the last checkpoint is taken."""
    plan = make_plan(tmp_path / "run", **{**KNOBS, "select": "score"})
    outcome = train(plan, scorer=lambda iteration: Score(iteration, "ten:dev", "hash", failure="the server died"))
    assert [score.failure for score in outcome.scores] == ["the server died"] * 3
    assert outcome.selection.iteration == outcome.iterations == 12
    assert outcome.selection.reason == "no checkpoint could be scored"


def test_a_plan_with_scores_needs_somebody_who_scores(make_plan: PlanMaker, tmp_path: Path) -> None:
    """A suite that nobody would ask is refused before anything is written."""
    with pytest.raises(UsageError, match="scored by `punie train` only"):
        train(make_plan(tmp_path / "run", **KNOBS))
    assert not (tmp_path / "run").exists()
