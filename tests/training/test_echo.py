"""The echo: every field of a plan comes back from the objects that train, or the run ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from punie.errors import PlanMismatchError
from punie.training.echo import (
    SETTLED_BEFORE,
    USED_AFTER,
    USED_BY_PARENT,
    expected_echo,
    require_echo,
    require_processes,
    require_rate,
    schedule_points,
)
from punie.training.metrics import Echo, TrainLoss
from punie.training.plan import TrainingPlan

from .conftest import KNOBS, MLX_OPTIONS, FinishedRun, PlanMaker

ECHOED = set(TrainingPlan.model_fields) - SETTLED_BEFORE - USED_AFTER - USED_BY_PARENT


@pytest.fixture(scope="session")
def echo(finished: FinishedRun) -> Echo:
    return next(metric for metric in finished.metrics if isinstance(metric, Echo))


def test_every_field_of_a_plan_is_echoed(echo: Echo) -> None:
    """No knob can be added to a plan without proof that it arrives."""
    assert set(echo.values) == ECHOED


def test_every_knob_of_the_finished_run_is_turned() -> None:
    """The echo of a default would prove nothing; what excludes another knob is read back elsewhere."""
    fields = {key: field for key, field in TrainingPlan.model_fields.items() if not field.is_required()}
    of_other_optimizers = {"momentum", "dampening", "nesterov", "ns_steps"}
    elsewhere = {"fine_tune_type", "engine", "epochs", "curriculum", "stages", "spread", "batch_tokens", "packing"}
    elsewhere |= {"resume_from", "whole_model", "matrix_rows", "probes", "score_suite", "score_every", "score_cases"}
    assert set(fields) - set(KNOBS) == elsewhere | of_other_optimizers
    assert not [key for key, value in KNOBS.items() if fields[key].default == value]


@pytest.mark.parametrize("field", sorted(ECHOED))
def test_a_field_that_came_back_otherwise_ends_the_run(finished: FinishedRun, echo: Echo, field: str) -> None:
    """The error names the field, whether its value is wrong or missing."""
    values = dict(echo.values)
    found = values.pop(field)
    wrong = not found if isinstance(found, bool) else [9.0] if isinstance(found, list) else f"other {found}"
    for broken in (values, {**values, field: wrong}):
        with pytest.raises(PlanMismatchError, match=f"field {field}"):
            require_echo(finished.plan, msgspec.structs.replace(echo, values=broken))


def test_processes_that_do_not_know_each_other_end_the_run(echo: Echo) -> None:
    """Each would train alone, all into one folder."""
    require_processes(echo, 1)
    with pytest.raises(PlanMismatchError, match="2 processes were started"):
        require_processes(echo, 2)


def test_a_rate_other_than_the_plans_ends_the_run(finished: FinishedRun) -> None:
    """Every report is held against the schedule, to the last update."""
    reports = [metric for metric in finished.metrics if isinstance(metric, TrainLoss)]
    assert reports[-1].learning_rate == pytest.approx(finished.plan.final_learning_rate)
    with pytest.raises(PlanMismatchError, match="iteration 12"):
        require_rate(finished.plan, msgspec.structs.replace(reports[-1], learning_rate=1e-3))


def test_facts_of_the_run_are_told(echo: Echo) -> None:
    """Sizes of the sets and of what learns come with the echo."""
    assert (echo.train_rows, echo.valid_rows, echo.truncated_rows) == (16, 4, 0)
    assert 0 < echo.trainable_parameters < echo.total_parameters / 4


OPTIONS_TURNED = {
    "adam": {"betas": [0.8, 0.9], "eps": 1e-6, "bias_correction": True},
    "adamw": {},
    "sgd": {"momentum": 0.5, "nesterov": True, "weight_decay": 0.1},
    "muon": {"momentum": 0.9, "nesterov": False, "ns_steps": 3},
}


@pytest.mark.parametrize("optimizer", OPTIONS_TURNED)
@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
@pytest.mark.parametrize("warmup", [0, 5])
def test_the_real_optimizer_keeps_the_plans_schedule_and_options(
    make_plan: PlanMaker, tmp_path: Path, optimizer: str, schedule: str, warmup: int
) -> None:
    """MLX's optimizers and mlx-lm's schedules give the rates that the plan's own formulas give."""
    from punie.training.readback import read_optimizer
    from punie.training.student import make_optimizer

    slope = {"final_learning_rate": 1e-5, "decay": 20} if schedule != "constant" else {}
    rise = {"warmup": warmup, "initial_learning_rate": 1e-4 if warmup else 0.0}
    knobs = {"final_learning_rate": 0.0, "decay": None, **slope, **rise, **MLX_OPTIONS, **OPTIONS_TURNED[optimizer]}
    plan = make_plan(tmp_path, iters=80, optimizer=optimizer, schedule=schedule, **knobs)
    found = read_optimizer(make_optimizer(plan), schedule_points(plan))
    assert found == {key: as_single(value) for key, value in expected_echo(plan, layers=4).items() if key in found}


@pytest.mark.parametrize(
    "knobs",
    [
        {"fine_tune_type": "lora", "num_layers": -1},
        {"fine_tune_type": "dora", "num_layers": 1},
        {"fine_tune_type": "full", "num_layers": 2, "rank": 8, "scale": 20.0, "dropout": 0.0, "keys": None},
    ],
)
def test_the_kind_of_tuning_is_read_from_the_modules(make_plan: PlanMaker, tmp_path: Path, knobs: dict) -> None:
    """LoRA, DoRA and full tuning differ in what the model is made of, and that is what is echoed."""
    from punie.training.readback import read_model
    from punie.training.student import load_student, make_trainable

    plan = make_plan(tmp_path, **knobs)
    model, tokenizer = load_student(plan)
    make_trainable(model, plan)
    found = read_model(model, tokenizer)
    expected = expected_echo(plan, layers=len(model.layers))
    modules = found.pop("keys")
    assert {name.rpartition(".")[2] for name in modules} == ({"q_proj", "v_proj", "down_proj"} if plan.keys else set())
    assert {**found, "grad_checkpoint": True} == {key: expected[key] for key in found}


def as_single(value: Any) -> Any:
    """Rates as single precision holds them, for comparison."""
    return pytest.approx(value, rel=1e-4, abs=1e-9) if isinstance(value, list | tuple) else value
