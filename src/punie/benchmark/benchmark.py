"""How fast a model learns on this machine, before anyone settles on a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TypeVar

from punie.benchmark.anatomy import read_anatomy
from punie.benchmark.cells import Found, Loaded, Measured, TooLarge, measure
from punie.benchmark.decision import decide
from punie.benchmark.forecast import Duration, Peak, duration_of, measured_costs, peak_of
from punie.benchmark.grid import Cell, grid
from punie.benchmark.saved import BENCHMARKS, Benchmark, save_benchmark
from punie.benchmark.workloads import read_workload
from punie.errors import CapacityError, UsageError
from punie.training.needs import SMALLER
from punie.training.plan import TrainingPlan
from punie.training.resolving import resolve_plan
from punie.training.workload import full_workload
from punie.workspace import resolve_model

_Kind = TypeVar("_Kind", bound=Found)


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """What was measured now, what was too large to try, and what the plan's run will take."""

    plan: TrainingPlan
    measured: tuple[Measured, ...]
    too_large: tuple[TooLarge, ...]
    not_tried: tuple[Cell, ...]
    """For want of time."""
    load_seconds: float
    total_seconds: float
    time: Duration
    peak: Peak

    @property
    def seconds_per_iteration(self) -> float:
        """Of the plan's run on average, validations included."""
        return self.time.seconds / self.plan.iters

    @property
    def decision(self) -> str:
        return decide(self.seconds_per_iteration, fits=self.peak.fits)


def benchmark(
    plan: TrainingPlan,
    *,
    own_rows: bool,
    steps: int = 4,
    minutes: float = 15.0,
    folder: Path = BENCHMARKS,
    on_found: Callable[[Found], None] = lambda _: None,
) -> BenchmarkResult:
    """Measure the cells of a plan's grid, save them in `folder`, and foretell the plan's run.

    It is foretold for the rows in `plan.data`, or without `own_rows` for rows that fill `max_seq_length`.
    After `minutes` no further cell is begun.
    Raises CapacityError where not even one cell fits, and what a training child raises.
    """
    if plan.engine != "punie":
        raise UsageError("Only Punie's own engine is measured.", where="key engine", hint="Leave engine out.")
    plan = resolve_plan(plan) if own_rows else plan.model_copy(update={"model": str(resolve_model(plan.model))})
    began = monotonic()
    anatomy = read_anatomy(plan)
    cells = grid(plan, anatomy.layers)
    found = _found(measure(plan, cells, steps), began + 60 * minutes, on_found)
    measured, too_large = _of(Measured, found), _of(TooLarge, found)
    if not measured:
        raise CapacityError("No step of this plan fits into memory.", where=plan.model, hint=SMALLER)
    load_seconds = max(one.load_seconds for one in _of(Loaded, found))
    costs = measured_costs(save_benchmark(folder, plan, Benchmark.of(plan, anatomy, load_seconds, measured)))
    workload = read_workload(plan, measured[0].loss_route) if own_rows else full_workload(plan)
    tried = {one.cell for one in (*measured, *too_large)}
    return BenchmarkResult(
        plan=plan,
        measured=measured,
        too_large=too_large,
        not_tried=tuple(cell for cell in cells if cell not in tried),
        load_seconds=load_seconds,
        total_seconds=monotonic() - began,
        time=duration_of(costs.time, anatomy, plan, workload),
        peak=peak_of(costs.memory, anatomy, plan, workload),
    )


def _found(told: Iterator[Found], until: float, on_found: Callable[[Found], None]) -> list[Found]:
    """What is told by then, and at least one measurement if there is any."""
    found = list[Found]()
    for one in told:
        found.append(one)
        on_found(one)
        if monotonic() > until and _of(Measured, found):
            break
    return found


def _of(kind: type[_Kind], found: list[Found]) -> tuple[_Kind, ...]:
    return tuple(one for one in found if isinstance(one, kind))
