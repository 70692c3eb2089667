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
from punie.training.workload import Workload

_NO_PRODUCTS = 2
"""Time columns that are no multiplications: steps and groups."""


@dataclass(frozen=True, slots=True)
class Duration:
    """Of all steps and all validations, in seconds."""

    seconds: float
    plus_minus: float


@dataclass(frozen=True, slots=True)
class Peak:
    """Bytes at the widest step, and bytes that may be used."""

    memory: int
    room: int

    @property
    def fits(self) -> bool:
        return self.memory <= self.room


@dataclass(frozen=True, slots=True)
class Costs:
    """What time and memory follow from, of one model on one machine."""

    time: Fit
    memory: Fit


def duration_of(time: Fit, anatomy: Anatomy, plan: TrainingPlan, workload: Workload) -> Duration:
    depth = depth_of(plan, anatomy)
    learning = time.of(time_columns(anatomy, depth, workload.training))
    seconds = learning + time.of(time_columns(anatomy, depth, workload.validation, learning=False))
    return Duration(seconds, time.spread * seconds)


def peak_of(memory: Fit, anatomy: Anatomy, plan: TrainingPlan, workload: Workload) -> Peak:
    """`anatomy` is that of the plan."""
    beyond = memory.of(memory_columns(anatomy, depth_of(plan, anatomy), workload.widest))
    return Peak(counted(anatomy) + round(beyond), anatomy.room)


def predict(found: Benchmark, plan: TrainingPlan, begun: Echo) -> Prediction | None:
    """Of a run that has just told what it will compute; None where it cannot tell."""
    if begun.workload is None:
        return None
    costs = measured_costs(found)
    time = duration_of(costs.time, found.anatomy, plan, begun.workload)
    alike = begun.trainable_parameters == found.anatomy.trainable
    return Prediction(
        seconds=time.seconds,
        plus_minus=time.plus_minus,
        peak_memory=peak_of(costs.memory, found.anatomy, plan, begun.workload).memory if alike else None,
        measured=found.made,
    )


def depth_of(plan: TrainingPlan, anatomy: Anatomy) -> Depth:
    return Depth(anatomy.layers if plan.num_layers == -1 else plan.num_layers, plan.grad_checkpoint)


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


def counted_memory() -> Fit:
    """Where nothing was measured, memory is what is counted from the layers alone."""
    return Fit(np.ones(4), 0.0)


def _depth(found: Measured) -> Depth:
    return Depth(found.cell.num_layers, found.cell.grad_checkpoint)
