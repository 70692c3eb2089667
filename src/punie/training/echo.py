"""What must come back from the training child for every field of a plan, and whether it did.

The parent computes the expectation from the plan alone; the child reads the same fields back from the objects that
train (`readback.py`). Both sides use the names of the plan's fields, and a test holds that none is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from punie.errors import PlanMismatchError
from punie.training.metrics import Echo, TrainLoss
from punie.training.optimizer import OPTION_NAMES
from punie.training.plan import TrainingPlan, key_names
from punie.training.stage import Stage

SETTLED_BEFORE = {"epochs", "curriculum"}
"""Fields that the parent has turned into others, which are echoed: `iters` and `stages` say what they asked for."""

USED_AFTER = {"matrix_rows"}
"""Fields that come back from another child, when all is trained."""

USED_BY_PARENT = {"score_suite", "score_cases"}
"""Fields that the child has no part in: what they say stands in every score."""


def schedule_points(plan: TrainingPlan) -> dict[str, list[int]]:
    """The optimizer updates at which a rate proves each of the fields that shape the schedule."""
    last = plan.updates - 1
    decisive = {0, 1, plan.warmup, plan.warmup + 1, last // 4, last // 2, 3 * last // 4, last}
    decisive |= {update + near for update in plan.rates.starts[1:] for near in (-1, 0, 1)}
    slope_end = min(plan.warmup + (plan.decay or last), last)
    return {
        "learning_rate": [min(plan.warmup, last)],
        "schedule": sorted(update for update in decisive if update <= last),
        "warmup": sorted({0, plan.warmup // 2, min(plan.warmup, last)}),
        "initial_learning_rate": [0],
        "decay": sorted({slope_end // 2, slope_end, min(slope_end + 1, last)}),
        "final_learning_rate": [last],
    }


def expected_echo(plan: TrainingPlan, layers: int) -> dict[str, Any]:
    """One value for each field of the plan, for a model of `layers` layers."""
    rates = {key: [plan.rates.rate_at(u) for u in updates] for key, updates in schedule_points(plan).items()}
    lora = plan.fine_tune_type != "full"
    return {
        **plan.model_dump(exclude=SETTLED_BEFORE | USED_AFTER | USED_BY_PARENT),
        **rates,
        **{name: plan.optimizer_options.get(name) for name in OPTION_NAMES},
        "batch_size": None if plan.batch_tokens else plan.batch_size,
        "stages": [_expected_stage(stage) for stage in plan.stages],
        "num_layers": layers if plan.num_layers == -1 else plan.num_layers,
        "rank": plan.rank if lora else None,
        "scale": plan.scale if lora else None,
        "dropout": plan.dropout if lora else None,
    }


def _expected_stage(stage: Stage) -> dict[str, Any]:
    """Its rates are those of the whole run's updates."""
    return {**stage.model_dump(include={"name", "iters", "order", "restart"}), **stage.shows.told()}


@dataclass(frozen=True, slots=True)
class Arrival:
    """One field of a plan: what had to come back from the child, what came, and whether that is the same."""

    field: str
    expected: Any
    found: Any
    arrived: bool


def arrivals(plan: TrainingPlan, echo: Echo) -> Iterator[Arrival]:
    """Every field that is echoed, in the order of the plan."""
    for field, expected in expected_echo(plan, echo.layers).items():
        found = echo.values.get(field, "nothing")
        arrived = _names_modules(plan, found) if field == "keys" else _same(expected, found)
        yield Arrival(field, expected, found, arrived)


def require_echo(plan: TrainingPlan, echo: Echo) -> None:
    """Raises PlanMismatchError that names the first field which did not arrive."""
    for lost in arrivals(plan, echo):
        if not lost.arrived:
            raise PlanMismatchError(
                f"The plan's {lost.field} did not reach the trainer: expected {lost.expected}, found {lost.found}.",
                where=f"field {lost.field}",
                hint="No adapter was written. This is a defect of Punie or of this mlx-lm version; please report it.",
            )


def require_processes(echo: Echo, started: int) -> None:
    """Raises PlanMismatchError where processes that were to train together do not know each other."""
    if echo.processes != started:
        raise PlanMismatchError(
            f"{started} processes were started to train together; the trainer is one of {echo.processes}.",
            where="mlx.launch",
            hint="No adapter was written. Look at the backend in the file of hosts.",
        )


def require_rate(plan: TrainingPlan, metric: TrainLoss) -> None:
    """Raises PlanMismatchError where the last update was made with another learning rate than the plan's."""
    update = max(metric.iteration // plan.grad_accumulation_steps - 1, 0)
    expected = plan.rates.rate_at(update)
    if not math.isclose(expected, metric.learning_rate, rel_tol=1e-4, abs_tol=1e-6 * plan.learning_rate):
        raise PlanMismatchError(
            f"At iteration {metric.iteration} the trainer's learning rate is {metric.learning_rate:g}, "
            f"the plan's {expected:g}.",
            where="field learning_rate",
        )


def _names_modules(plan: TrainingPlan, found: Any) -> bool:
    """Whether these are the modules that `keys` name: each by a key, and each key at least one."""
    if not isinstance(found, list):
        return False
    if plan.keys is None:
        return bool(found) == (plan.fine_tune_type != "full")
    named = [{key for key in plan.keys if key_names(key, name)} for name in map(str, found)]
    return all(named) and set().union(*named) == set(plan.keys)


def _same(expected: Any, found: Any) -> bool:
    """Equal, up to what single precision does to a float."""
    if isinstance(expected, list | tuple) and isinstance(found, list | tuple):
        return len(expected) == len(found) and all(map(_same, expected, found))
    if isinstance(expected, float) and isinstance(found, float | int) and not isinstance(found, bool):
        return math.isclose(expected, found, rel_tol=1e-4, abs_tol=1e-9)
    return type(expected) is type(found) and expected == found
