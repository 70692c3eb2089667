"""Stages: one after the other on rows, rates and memories of their own, in one run that resumes as one."""

from __future__ import annotations

from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from punie.errors import DataError, UsageError
from punie.files import hash_file, write_jsonl
from punie.training.batches import TokenRow
from punie.training.batching import RowsPerStep
from punie.training.metrics import Echo, Metric, StageBegan, TrainLoss, ValidLoss, read_metrics
from punie.training.plan import TrainingPlan
from punie.training.request import parse_plan
from punie.training.rows import read_teaching_rows
from punie.training.runner import train
from punie.training.views import stage_views, staged_order

from .conftest import FinishedRun, PlanMaker, Stopper, chat

LEVELS = [1 + number % 3 for number in range(16)]
EASY = {"name": "easy", "iters": 4, "where": {"level": [1, 2]}}
HARD = {"name": "hard", "iters": 8, "where": {"level": [3]}, "order": "given", "restart": "all"}
RATE = {"learning_rate": 1e-3, "schedule": "linear", "warmup": 1, "initial_learning_rate": 0.0}
MIX = {"name": "mix", "iters": 2, "restart": "rate", "schedule": "constant", "warmup": 0, "initial_learning_rate": 0.0}
STAGES = [EASY, {**HARD, **RATE}, MIX]
KNOBS = {"warmup": 0, "initial_learning_rate": 0.0, "decay": None, "bias_correction": False, "iters": None}
KNOBS |= {"matrix_rows": 0}


@pytest.fixture(scope="module")
def leveled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 rows; a row's level is in its metadata."""
    folder = tmp_path_factory.mktemp("leveled")
    write_jsonl(folder / "train.jsonl", ({**chat(n), "metadata": {"level": level}} for n, level in enumerate(LEVELS)))
    write_jsonl(folder / "valid.jsonl", map(chat, range(50, 54)))
    return folder


@pytest.fixture(scope="module")
def staged(make_plan: PlanMaker, leveled: Path, tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    plan = make_plan(tmp_path_factory.mktemp("staged") / "run", data=str(leveled), stages=STAGES, **KNOBS)
    heard: list[Metric] = []
    return FinishedRun(plan, train(plan, on_metric=heard.append), tuple(heard))


def of(run: FinishedRun, kind: type) -> list[Any]:
    return [metric for metric in run.metrics if isinstance(metric, kind)]


def test_each_stage_is_told_validated_and_kept(staged: FinishedRun) -> None:
    """A row says it began, every report carries its name, and its adapter lies under it for mlx-lm to load."""
    assert [(m.stage, m.iteration, m.rows, m.iters) for m in of(staged, StageBegan)] == [
        ("easy", 0, 11, 4),
        ("hard", 4, 5, 8),
        ("mix", 12, 16, 2),
    ]
    assert [m.stage for m in of(staged, TrainLoss)] == ["easy"] * 4 + ["hard"] * 8 + ["mix"] * 2
    assert {4, 12, 14} <= {m.iteration for m in of(staged, ValidLoss)}
    kept = staged.folder / "stages"
    assert {folder.name for folder in kept.iterdir()} == {"easy", "hard", "mix"}
    assert len({hash_file(folder / "adapters.safetensors") for folder in kept.iterdir()}) == 3
    assert hash_file(kept / "easy" / "adapters.safetensors") == hash_file(
        staged.folder / "0000004_adapters.safetensors"
    )


def test_mlx_lm_loads_what_a_stage_left(staged: FinishedRun) -> None:
    """The folder of a stage is an adapter, and every weight in it reaches the model."""
    import mlx.core as mx
    from mlx.utils import tree_flatten
    from mlx_lm import load

    folder = staged.folder / "stages" / "hard"
    model, *_ = load(staged.outcome.model, adapter_path=str(folder))
    weights = mx.load(str(folder / "adapters.safetensors"))
    loaded = dict(tree_flatten(model.parameters()))
    assert weights
    assert all(mx.array_equal(loaded[name], weight) for name, weight in weights.items())


def test_the_stages_come_back_from_the_rows_and_rates_that_were_used(staged: FinishedRun) -> None:
    """The echo tells the labels that the rows really have; the rates were held against the plan at every report."""
    (echo,) = of(staged, Echo)
    assert [stage["parts"][0]["where"] for stage in echo.values["stages"]] == [{"level": [1, 2]}, {"level": [3]}, None]
    rates = [m.learning_rate for m in of(staged, TrainLoss)]
    assert (rates[3], rates[5], rates[13]) == (pytest.approx(1e-4), 0, pytest.approx(3e-3))


@pytest.mark.parametrize("save", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_run_stopped_at_or_behind_a_boundary_ends_with_the_same_adapters(
    staged: FinishedRun, make_plan: PlanMaker, stop_at_save: Stopper, leveled: Path, tmp_path: Path, save: int
) -> None:
    """Order, rate, and what the optimizer had to forget go on as if nothing had happened."""
    plan = make_plan(tmp_path / "run", data=str(leveled), stages=STAGES, **KNOBS)
    stop_at_save(plan, save)
    train(plan, resume=True)
    for name in ("adapters.safetensors", "stages/hard/adapters.safetensors", "stages/mix/adapters.safetensors"):
        assert hash_file(tmp_path / "run" / name) == hash_file(staged.folder / name)
    began = [m.stage for m in read_metrics(tmp_path / "run" / "run" / "metrics.jsonl") if isinstance(m, StageBegan)]
    assert began == ["easy", "hard", "mix"]


@pytest.mark.slow
def test_mlx_lms_loop_trains_the_same_stages(make_plan: PlanMaker, leveled: Path, tmp_path: Path) -> None:
    """Losses agree with Punie's loop to 1e-4 at every step, across a restart of everything."""
    losses = []
    knobs = {**KNOBS, "mask": "last", "dropout": 0.0, "grad_accumulation_steps": 1, "grad_checkpoint": False}
    for engine in ("punie", "mlx-lm"):
        heard: list[Metric] = []
        plan = make_plan(tmp_path / engine, data=str(leveled), stages=STAGES[:2], engine=engine, **knobs)
        train(plan, on_metric=heard.append)
        losses.append([metric.loss for metric in heard if isinstance(metric, TrainLoss)])
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_every_step_has_rows_of_its_stage_alone(leveled: Path) -> None:
    """Given order is the file's, shuffled stages see every row once a pass, and a resumed order is the rest of it."""
    plan = TrainingPlan.model_validate({"model": "m", "adapter_path": "a", "data": "d", "iters": 14, "stages": STAGES})
    views = stage_views(plan.stages, read_teaching_rows(leveled, 3).train.rows, "rows")
    rows, batching = [TokenRow([1, 2, 3], ((0, 3),))] * 16, RowsPerStep(3, 256)
    steps = list(staged_order(views, batching, rows, 7, 0))
    easy, hard, mix = steps[:4], steps[4:12], steps[12:]
    assert {LEVELS[row] for step in easy for row in step} == {1, 2}
    assert sorted(list(chain(*easy))[:11]) == [row for row in range(16) if LEVELS[row] < 3]
    given = [row for row in range(16) if LEVELS[row] == 3]
    assert list(chain(*hard)) == (given * 5)[:24]
    assert len(set(chain(*mix))) == 6
    for first in (2, 4, 9, 13):
        assert list(staged_order(views, batching, rows, 7, first)) == steps[first:]


def test_stages_over_the_same_rows_do_not_repeat_a_shuffle(leveled: Path) -> None:
    """And the first draws as a run without stages does."""
    split = read_teaching_rows(leveled, 3).train.rows
    values = {"model": "m", "adapter_path": "a", "data": "d", "iters": 10}
    stages = [{"name": name, "iters": 5} for name in "ab"]
    plan = TrainingPlan.model_validate({**values, "stages": stages})
    rows, batching = [TokenRow([1, 2, 3], ((0, 3),))] * 16, RowsPerStep(3, 256)
    steps = list(staged_order(stage_views(plan.stages, split, "rows"), batching, rows, 7, 0))
    assert steps[:5] == list(islice(staged_order((), batching, rows, 7, 0), 5)) != steps[5:]


@pytest.mark.parametrize(
    ("where", "complaint", "hint"),
    [
        ({"level": [1, 4]}, "no row with level 4", "There are 1, 2, 3."),
        ({"category": ["code"]}, "no row with category 'code'", "No row has a field category."),
        ({"level": [1], "parity": ["even"]}, "they do not meet its other conditions", ""),
        ({"level": [2, 1], "parity": ["even"]}, "no rows with level 1: they do not meet", ""),
        ({"level": [True]}, "no row with level True", "There are 1, 2, 3."),
        ({"level": []}, "selects no rows", ""),
    ],
)
def test_a_stage_that_selects_nothing_is_bad_data(where: dict, complaint: str, hint: str) -> None:
    """Before anything is trained, with what there is."""
    rows = tuple({"text": "a", "level": n % 3 + 1, "parity": "even" if n % 3 else "odd"} for n in range(9))
    stage = TrainingPlan.model_validate(
        {"model": "m", "adapter_path": "a", "data": "d", "iters": 2, "stages": [{**EASY, "iters": 2, "where": where}]}
    ).stages
    with pytest.raises(DataError, match=complaint) as caught:
        stage_views(stage, rows, "train.jsonl")
    assert caught.value.hint == hint
    assert caught.value.exit_code == 3


def test_the_length_of_a_stage_follows_from_its_own_rows(leveled: Path) -> None:
    """Epochs count the rows it selects, and the run is as long as its stages together."""
    stages = [
        {"name": "easy", "num_train_epochs": 2, "where": {"level": [1, 2]}},
        {"name": "hard", "epochs": 1, "where": {"level": 3}},
    ]
    paths = {"model": "m", "adapter_path": "a", "data": str(leveled), "batch_size": 3}
    plan = parse_plan({**paths, "stages": stages}, where="here")
    assert [(stage.iters, stage.epochs) for stage in plan.stages] == [(8, 2), (2, 1)]
    assert plan.iters == 10
    assert parse_plan(plan.model_dump(), where="here") == plan


@pytest.mark.parametrize(
    ("stages", "complaint"),
    [
        ([{"name": "a"}], "says neither iters nor epochs"),
        (["a"], "block"),
        (3, "list of blocks"),
        ([{"name": "a", "iters": 2, "where": "level"}], "field: values"),
        ([{"name": "a", "iters": 2, "rows": 3}], "no key 'rows'"),
        ([{"name": "../a", "iters": 2}], "name"),
        ([{"name": "a", "iters": 2}, {"name": "a", "iters": 2}], "same name"),
        ([{"name": "a", "iters": 2, "restart": "rate"}], "nothing to restart"),
        ([{"name": "a", "iters": 2}, {"name": "b", "iters": 2, "learning_rate": 1e-4}], "must be rate or all"),
        ([{"name": "a", "iters": 2, "warmup": 5}], "warmup leaves nothing"),
        ([{"name": "a", "iters": 3}], "multiple of grad_accumulation_steps"),
        ([{"name": "a", "iters": 2}, {"name": "b", "iters": 2, "restart": "all"}], "bias_correction"),
    ],
)
def test_stages_that_contradict_themselves_are_refused(stages: object, complaint: str) -> None:
    """By name, before anything is read."""
    values = {"model": "m", "adapter_path": "a", "data": "d", "grad_accumulation_steps": 2, "bias_correction": True}
    with pytest.raises(UsageError, match=complaint):
        parse_plan({**values, "stages": stages}, where="here")


def test_the_rate_starts_again_where_a_stage_says_so() -> None:
    """A stage that restarts nothing goes on with the schedule of the one before."""
    stages = [
        {"name": "a", "iters": 10, "learning_rate": 1e-3, "schedule": "linear"},
        {"name": "b", "iters": 11},
        {"name": "c", "iters": 5, "restart": "rate", "learning_rate": 1e-4},
    ]
    values = {"model": "m", "adapter_path": "a", "data": "d"}
    rates = parse_plan({**values, "stages": stages}, where="here").rates
    assert [rates.rate_at(update) for update in (0, 10, 20, 21, 25)] == pytest.approx([1e-3, 5e-4, 0, 1e-4, 1e-4])


def test_restarting_all_forgets_past_gradients_and_nothing_else() -> None:
    """The count of updates stays, since the schedule goes by it; compiled updates keep their hold on the state."""
    import mlx.core as mx
    from mlx import optimizers

    from punie.training.checkpoint import flat, forget_moments

    for kind in (optimizers.Adam, optimizers.AdamW, optimizers.Muon, optimizers.SGD):
        optimizer = kind(learning_rate=lambda step: 0.1 / (1 + step))
        optimizer.apply_gradients({"layer": {"w": mx.ones((2, 2))}}, {"layer": {"w": mx.ones((2, 2))}})
        state = optimizer.state
        forget_moments(optimizer)
        assert optimizer.state is state
        memory = [np.asarray(value) for name, value in flat(state).items() if name.startswith("layer")]
        assert memory
        assert not any(value.any() for value in memory)
        assert state["step"].item() == 1
