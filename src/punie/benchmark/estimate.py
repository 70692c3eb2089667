"""What a model weighs and what training it would take, from its config.json alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from punie.benchmark.anatomy import Anatomy, read_anatomy
from punie.benchmark.forecast import Duration, Peak, counted_memory, duration_of, measured_costs, peak_of
from punie.benchmark.saved import BENCHMARKS, find_benchmark
from punie.training.plan import TrainingPlan
from punie.training.workload import full_workload
from punie.workspace import model_config

_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of a plan whose rows all fill `max_seq_length`."""

    model: str
    plan: TrainingPlan
    anatomy: Anatomy
    peak: Peak
    time: Duration | None
    """None where no benchmark of this model was saved on this machine; where one was, memory follows from it, too."""
    largest_batch: int
    """Rows of the plan's length that fit; 0 where not even one does."""
    largest_length: int
    """Tokens of the plan's number of rows that fit."""


def estimate(plan: TrainingPlan, *, folder: Path = BENCHMARKS) -> Estimate:
    """Raises UsageError where there is no such model, or mlx-lm does not know its kind."""
    name = plan.model
    plan = plan.model_copy(update={"model": str(model_config(name).parent)})
    anatomy, found = read_anatomy(plan), find_benchmark(folder, plan)
    costs = None if found is None else measured_costs(found)
    memory = counted_memory() if costs is None else costs.memory

    def fits(**changes: int) -> bool:
        changed = plan.model_copy(update={"batch_tokens": None, **changes})
        return peak_of(memory, anatomy, changed, full_workload(changed)).fits

    return Estimate(
        model=name,
        plan=plan.model_copy(update={"model": name}),
        anatomy=anatomy,
        peak=peak_of(memory, anatomy, plan, full_workload(plan)),
        time=None if costs is None else duration_of(costs.time, anatomy, plan, full_workload(plan)),
        largest_batch=_largest(lambda rows: fits(batch_size=rows)),
        largest_length=_largest(lambda length: fits(max_seq_length=length), least=2),
    )


def _largest(fits: Callable[[int], bool], least: int = 1) -> int:
    """The largest number up to 2^20 for which it fits, which it does for all below; 0 where for none."""
    if not fits(least):
        return 0
    low, high = least, _LARGEST
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low
