"""What a run will take, from what was measured of the same model on the same machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from punie.benchmark.anatomy import Anatomy
from punie.benchmark.cells import Measured
from punie.benchmark.costs import Depth, counted, memory_columns, time_columns
from punie.benchmark.fit import Fit, fit, rate_prior
from punie.benchmark.saved import Benchmark
from punie.training.metrics import Echo
from punie.training.plan import TrainingPlan
from punie.training.prediction import Prediction
from punie.training.workload import Widest, Workload

_NO_PRODUCTS = 2
"""Time columns that are no multiplications: steps and groups."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Seconds of steps and validations; `peak_memory` and `room`, what may be used, in bytes."""

    seconds: float
    plus_minus: float
    peak_memory: int
    room: int

    @property
    def fits(self) -> bool:
        return self.peak_memory <= self.room


@dataclass(frozen=True, slots=True)
class Costs:
    """What is known of a model's time and memory: of time nothing where nothing was measured."""

    time: Fit | None
    memory: Fit


def foretell(costs: Costs, anatomy: Anatomy, plan: TrainingPlan, workload: Workload) -> Forecast:
    """`anatomy` is that of the plan."""
    depth = depth_of(plan, anatomy)
    seconds = 0.0 if costs.time is None else seconds_of(costs.time, anatomy, depth, workload)
    spread = 0.0 if costs.time is None else costs.time.spread
    return Forecast(seconds, spread * seconds, peak_of(costs.memory, anatomy, depth, workload.widest), anatomy.room)


def predict(found: Benchmark, plan: TrainingPlan, begun: Echo) -> Prediction | None:
    """Of a run that has just told what it will compute; None where it cannot tell."""
    if begun.workload is None:
        return None
    alike = begun.trainable_parameters == found.anatomy.trainable
    told = foretell(measured_costs(found), found.anatomy, plan, begun.workload)
    return Prediction(
        seconds=told.seconds,
        plus_minus=told.plus_minus,
        peak_memory=told.peak_memory if alike else None,
        measured=found.made,
    )


def depth_of(plan: TrainingPlan, anatomy: Anatomy) -> Depth:
    return Depth(anatomy.layers if plan.num_layers == -1 else plan.num_layers, plan.grad_checkpoint)


def seconds_of(time: Fit, anatomy: Anatomy, depth: Depth, workload: Workload) -> float:
    """Of all steps and all validations."""
    learning = time.of(time_columns(anatomy, depth, workload.training))
    return learning + time.of(time_columns(anatomy, depth, workload.validation, learning=False))


def peak_of(memory: Fit, anatomy: Anatomy, depth: Depth, widest: Widest) -> int:
    return counted(anatomy) + round(memory.of(memory_columns(anatomy, depth, widest)))


def measured_costs(found: Benchmark) -> Costs:
    cells, anatomy = found.cells, found.anatomy
    columns = np.array([time_columns(anatomy, _depth(one), one.work) for one in cells])
    seconds = np.array([one.seconds for one in cells])
    sizes = np.array([memory_columns(anatomy, _depth(one), one.widest) for one in cells])
    beyond = np.array([one.peak_memory - one.needs.counted for one in cells])
    return Costs(
        time=fit(columns, seconds, rate_prior(columns, seconds, _NO_PRODUCTS)),
        memory=fit(sizes, beyond, np.ones(sizes.shape[1])),
    )


def counted_costs() -> Costs:
    """Where nothing was measured, memory is what is counted from the layers alone."""
    return Costs(None, Fit(np.ones(4), 0.0))


def _depth(found: Measured) -> Depth:
    return Depth(found.cell.num_layers, found.cell.grad_checkpoint)
