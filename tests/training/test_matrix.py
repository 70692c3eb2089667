"""The cross-phase matrix: every checkpoint on the same rows, what was forgotten, and the runs that came before."""

from __future__ import annotations

import random
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from strandset import FUNCTIONS, strandset_rows

from punie.data.fetch.importers.strandset import TASKS, convert_strandset
from punie.errors import InterruptedRun, UsageError
from punie.files import hash_file, read_jsonl, write_jsonl
from punie.training.fixed_rows import FULL, choose_rows
from punie.training.matrix import START, Basis, Cell, Checkpoint, Matrix, read_matrix
from punie.training.metrics import Doing, Metric, ValidLoss, read_metrics
from punie.training.plan import TrainingPlan
from punie.training.request import parse_plan
from punie.training.resolving import resolve_plan
from punie.training.runner import train

NAMING, WRITING = ["function_naming", "variable_naming"], ["code_completion", "code_generation", "code_search"]
STAGES: list[dict[str, Any]] = [
    {"name": "naming", "iters": 2, "where": {"category": NAMING}},
    {"name": "writing", "iters": 2, "where": {"category": WRITING}, "restart": "all"},
]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """15 rows of each function, one of each kind of task."""
    return [convert_strandset(row) for row in strandset_rows()]


@pytest.fixture(scope="module")
def strandset(rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two functions of ten are there to validate on."""
    folder, kept = tmp_path_factory.mktemp("strandset"), (len(FUNCTIONS) - 2) * len(TASKS)
    write_jsonl(folder / "train.jsonl", rows[:kept])
    write_jsonl(folder / "valid.jsonl", rows[kept:])
    return folder


def plan_of(data: Path, folder: Path, **changes: object) -> TrainingPlan:
    given = {"model": "tiny", "data": str(data), "adapter_path": str(folder), "batch_size": 4, "learning_rate": 3e-3}
    knobs = {"num_layers": 2, "val_batches": -1, "mask": "last", "select": "last", "steps_per_report": 1}
    return parse_plan({**given, **knobs, **changes}, where="test")


def matrix_of(folder: Path) -> Matrix:
    matrix = read_matrix(folder)
    assert matrix is not None
    return matrix


@pytest.fixture(scope="module")
def first(strandset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the stage naming alone."""
    folder = tmp_path_factory.mktemp("runs") / "phase1"
    train(plan_of(strandset, folder, stages=STAGES[:1]))
    return folder


def test_every_checkpoint_is_measured_on_every_category(first: Path) -> None:
    """The loss over all rows is the validation loss that training itself measured, before and after."""
    matrix = matrix_of(first)
    assert [point.name for point in matrix.checkpoints] == [START, "naming"]
    assert matrix.adapter == "naming"
    assert (matrix.rows_file, matrix.field, matrix.per_category) == ("valid.jsonl", "category", 32)
    for point in matrix.checkpoints:
        assert set(point.cells) == {*TASKS, FULL}
        assert {label: cell.rows for label, cell in point.cells.items()} == {**dict.fromkeys(TASKS, 2), FULL: 30}
    losses = [m.loss for m in read_metrics(first / "run" / "metrics.jsonl") if isinstance(m, ValidLoss)]
    assert [point.cells[FULL].loss for point in matrix.checkpoints] == pytest.approx(losses, abs=1e-4)
    assert matrix.final.selects == tuple(NAMING)
    assert matrix.final.iterations == matrix.final.updates == 2
    assert matrix.final.weights_hash == f"sha256:{hash_file(first / 'adapters.safetensors')}"


@pytest.mark.slow
def test_a_chain_of_runs_has_one_matrix(first: Path, strandset: Path, tmp_path: Path) -> None:
    """What earlier runs measured on the same rows is carried on; measuring that was interrupted is made up for."""
    folder = tmp_path / "phase2"
    plan = plan_of(strandset, folder, stages=[{**STAGES[1], "restart": "none"}], resume_from=str(first))
    measured: list[str] = []

    def interrupt(metric: Metric) -> None:
        if isinstance(metric, Doing) and metric.what.startswith("measuring"):
            measured.append(metric.what)
            raise KeyboardInterrupt

    with pytest.raises(InterruptedRun, match="The adapter is whole") as caught:
        train(plan, on_metric=interrupt)
    assert "--resume" in caught.value.hint
    assert read_matrix(folder) is None
    assert measured == ["measuring writing"]

    train(plan, resume=True)
    matrix, before = matrix_of(folder), matrix_of(first)
    assert [point.name for point in matrix.checkpoints] == [START, "naming", "writing"]
    assert matrix.checkpoints[:2] == before.checkpoints
    for category in (*NAMING, FULL):
        lost = matrix.final.cells[category].loss - before.final.cells[category].loss
        assert fmean(matrix.forgotten(category)) == pytest.approx(lost)


@pytest.mark.slow
def test_other_rows_are_not_put_beside_these(first: Path, strandset: Path, tmp_path: Path) -> None:
    """The note says what differs; the adapter this run began with is measured anew."""
    folder = tmp_path / "phase2"
    stages = [{**STAGES[1], "restart": "none", "iters": 1}]
    train(plan_of(strandset, folder, stages=stages, resume_from=str(first), matrix_rows=1))
    matrix = matrix_of(folder)
    assert [point.name for point in matrix.checkpoints] == [START, "writing"]
    assert matrix.checkpoints[0].weights_hash == matrix_of(first).final.weights_hash
    assert matrix.notes == ("The checkpoints of phase1 are left out: they were measured with another rows_hash.",)


def test_measuring_needs_rows(strandset: Path, tmp_path: Path) -> None:
    """Told before anything is trained."""
    write_jsonl(tmp_path / "train.jsonl", [row for _, row in read_jsonl(strandset / "train.jsonl")])
    with pytest.raises(UsageError, match="measures on test"):
        resolve_plan(plan_of(tmp_path, tmp_path / "run", iters=1, matrix_rows=2))


def test_the_fixed_rows_do_not_depend_on_the_order_of_the_file(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    """The same rows and the same hash; with other rows, another hash; each category has as many as asked for."""
    plan = plan_of(tmp_path, tmp_path / "run", iters=1, matrix_rows=3)
    shuffled = random.Random(0).sample(rows, len(rows))
    fixed, again = choose_rows(rows, plan), choose_rows(shuffled, plan)
    assert fixed.hash == again.hash != choose_rows(rows[15:], plan).hash
    assert {name: len(indices) for name, indices in fixed.sets.items()} == {**dict.fromkeys(TASKS, 3), FULL: 45}
    for name, indices in fixed.sets.items():
        assert [rows[index] for index in indices] == [shuffled[index] for index in again.sets[name]]


def test_rows_are_told_apart_by_what_the_stages_select_by(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    """By another field, or by the ranges of a number."""
    leveled = [{**row, "level": number} for number, row in enumerate(rows)]
    ranges = [{"at_least": 100}, {"below": 10}]
    stages = [{"name": f"s{n}", "iters": 1, "where": {"level": where}} for n, where in enumerate(ranges)]
    fixed = choose_rows(leveled, plan_of(tmp_path, tmp_path / "run", stages=stages))
    assert fixed.field == "level"
    sizes = {name: len(indices) for name, indices in fixed.sets.items()}
    assert sizes == {"at least 100": 32, "below 10": 10, FULL: 64}


def cell(loss: float) -> Cell:
    """Two rows of 4 and 6 tokens, each token as hard as the others."""
    return Cell(loss=loss, right=0.5, row_losses=(4 * loss, 6 * loss), row_tokens=(4, 6))


def matrix_with(**losses: list[float]) -> Matrix:
    """Before training and three stages, with a loss of each category for each."""
    basis = Basis(model_hash="m", rows_hash="r", mask="last", max_seq_length=9, overlong="cut")
    names = [None, "a", "b", "c"]
    points = [
        Checkpoint(
            name=name or START,
            run="run",
            stage=name,
            selects=(),
            weights_hash=name,
            iterations=1,
            updates=1,
            seconds=1.0,
            cells={key: cell(each[number]) for key, each in losses.items()},
        )
        for number, name in enumerate(names)
    ]
    return Matrix(
        basis=basis, rows_file="test.jsonl", field="category", per_category=2, checkpoints=tuple(points), adapter="c"
    )


def test_forgetting_is_the_final_loss_less_the_lowest_earlier_one() -> None:
    """Of stages, not of the model before training. Rows of unlike length add no spread of their own."""
    matrix = matrix_with(x=[0.5, 3.0, 2.0, 2.5], y=[9.0, 3.0, 2.0, 1.0])
    assert matrix.forgotten("x") == pytest.approx((0.5, 0.5))
    assert fmean(matrix.forgotten("y")) == pytest.approx(-1.0)
