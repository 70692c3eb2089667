"""An adaptive stage: decisions that follow from losses alone, and a run that takes the same way when it is resumed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import pytest

from punie.curriculum.mix import Ladder
from punie.errors import DataError, UsageError
from punie.files import hash_file, write_jsonl
from punie.training.ladder import Judged, climbing_order, judge, phase_now
from punie.training.metrics import Metric, PhaseLoss, TrainLoss, read_metrics
from punie.training.request import parse_plan
from punie.training.runner import train

from .conftest import PlanMaker, Stopper, chat

LADDER = Ladder(advance_below=1.0, back_above=2.0, window=2)


@pytest.mark.parametrize(
    ("losses", "phases"),
    [
        ([0.5], [0]),
        ([0.5, 0.5], [0, 1]),
        ([0.5, 0.5, 0.5, 1.7], [0, 1, 1, 1]),
        ([0.5, 0.5, 0.5, 1.7, 1.1, 0.7], [0, 1, 1, 1, 1, 2]),
        ([0.5, 0.5, 9.0, 9.0, 0.1, 0.1], [0, 1, 1, 0, 0, 1]),
        ([9.0, 9.0, 9.0], [0, 0, 0]),
        ([0.5] * 8, [0, 1, 1, 2, 2, 2, 2, 2]),
    ],
)
def test_the_mean_of_the_last_losses_moves_the_run(losses: list[float], phases: list[int]) -> None:
    """Forward, back, or not; never beyond the ends, and not by losses from before the last move."""
    judged: list[Judged] = []
    for number, loss in enumerate(losses):
        judged.append(judge(LADDER, 3, judged, 10 * (number + 1), loss))
    assert [one.next for one in judged] == phases


def steps_of_phase(phase: int, first: int) -> Iterator[list[int]]:
    return ([phase, step] for step in count(first))


def test_a_phase_that_comes_again_goes_on_where_it_was_left() -> None:
    """Also in a resumed order, which knows the decisions and not the steps."""
    judged = [Judged(2, 0, 0.5, 1), Judged(4, 1, 3.0, 0), Judged(6, 0, 0.5, 1)]
    known: list[Judged] = []
    order, whole = climbing_order(known, 0, steps_of_phase), list[list[int]]()
    for step in range(8):
        known.extend(one for one in judged if one.iteration == step)
        whole.append(next(order))
    assert whole == [[0, 0], [0, 1], [1, 0], [1, 1], [0, 2], [0, 3], [1, 2], [1, 3]]
    for first in (1, 2, 5, 7):
        known = [one for one in judged if one.iteration <= first]
        alone = climbing_order(known, first, steps_of_phase)
        assert next(alone) == whole[first]
    assert phase_now(judged) == 1
    assert list(islice(climbing_order(judged, 6, steps_of_phase), 2)) == whole[6:]


PHASES = [{"name": name, "where": {"level": level}} for level, name in enumerate(("easy", "hard"), 1)]
KNOBS = {"warmup": 0, "initial_learning_rate": 0.0, "decay": None, "steps_per_eval": 2, "matrix_rows": 0}


@pytest.fixture(scope="module")
def leveled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("leveled")
    for name, numbers in (("train", range(16)), ("valid", range(50, 54))):
        write_jsonl(folder / f"{name}.jsonl", ({**chat(n), "level": 1 + n % 2} for n in numbers))
    return folder


def adaptive(**options: float) -> dict:
    return {"phases": PHASES, "replay": 0.25, "schedule": {"kind": "adaptive", **options}}


@pytest.mark.slow
def test_a_resumed_run_takes_the_way_of_one_that_was_not_stopped(
    make_plan: PlanMaker, stop_at_save: Stopper, leveled: Path, tmp_path: Path
) -> None:
    """The decisions, the rows of every report and the adapter are the same; the rows are those of the decisions."""
    values = {**KNOBS, "data": str(leveled), "curriculum": adaptive(advance_below=8.0), "iters": 6}
    whole: list[Metric] = []
    train(make_plan(tmp_path / "whole", **values), on_metric=whole.append)
    judged = [metric for metric in whole if isinstance(metric, PhaseLoss)]
    assert [(one.iteration, one.phase, one.next) for one in judged[:2]] == [(2, "easy", "hard"), (4, "hard", "hard")]
    reports = [metric.phases for metric in whole if isinstance(metric, TrainLoss)]
    assert reports[:2] == [{"easy": 3}] * 2
    assert all(phases.get("hard", 0) >= 2 for phases in reports[2:])
    plan = make_plan(tmp_path / "stopped", **values)
    stop_at_save(plan, 1)
    train(plan, resume=True)
    assert hash_file(tmp_path / "stopped" / "adapters.safetensors") == hash_file(
        tmp_path / "whole" / "adapters.safetensors"
    )
    again = read_metrics(tmp_path / "stopped" / "run" / "metrics.jsonl")
    assert [m.phases for m in again if isinstance(m, TrainLoss)] == reports
    assert [(m.iteration, m.loss, m.next) for m in again if isinstance(m, PhaseLoss)] == [
        (m.iteration, m.loss, m.next) for m in judged
    ]


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"curriculum": adaptive(advance_below=2, back_above=1)}, "back_above is not above advance_below"),
        ({"curriculum": {**adaptive(advance_below=2), "restart": "rate"}}, "no place for a restart"),
        ({"curriculum": {**adaptive(), "schedule": "adaptive"}}, "advance_below"),
        (
            {"curriculum": {"phases": PHASES, "schedule": {"kind": "control", "of": {"kind": "adaptive"}}}},
            "schedule.control.of",
        ),
    ],
)
def test_an_adaptive_schedule_that_makes_no_sense_is_refused(values: dict, complaint: str) -> None:
    """Before anything is read."""
    with pytest.raises(UsageError, match=complaint):
        parse_plan({"model": "m", "adapter_path": "a", "data": "d", "iters": 8, **values}, where="here")


def test_an_adaptive_run_needs_validation_rows_of_every_phase(
    make_plan: PlanMaker, leveled: Path, tmp_path: Path
) -> None:
    """Without the file it does not start, and a phase without rows in it is named with what there is."""
    rows = [{**chat(n), "level": 1 + n % 2} for n in range(16)]
    write_jsonl(tmp_path / "train.jsonl", rows)
    values = {**KNOBS, "data": str(tmp_path), "curriculum": adaptive(advance_below=8.0), "iters": 8, "patience": None}
    plan = make_plan(tmp_path / "run", **{**values, "min_delta": 0.0})
    with pytest.raises(UsageError, match="goes by validation losses"):
        train(plan)
    write_jsonl(tmp_path / "valid.jsonl", rows[:1])
    with pytest.raises(DataError, match="Phase hard selects no rows: there is no row with level 2") as caught:
        train(plan)
    assert caught.value.where.endswith("valid.jsonl")
