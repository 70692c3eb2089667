"""The child that measures: `python -m punie.child punie.benchmark.cells_worker ASKED ANSWERS`.

Its steps are those of training's own engine, on rows of random tokens.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import mlx.core as mx
import msgspec
import numpy as np

from punie.benchmark.asking import answer
from punie.benchmark.cells import Found, Loaded, Measured, TooLarge
from punie.benchmark.grid import Cell
from punie.training import memory
from punie.training.batches import TokenRow
from punie.training.counting import largest_groups, widest_of, work_of
from punie.training.loop import PunieEngine
from punie.training.masking import MASKERS
from punie.training.needs import Needs
from punie.training.overlong import FittedRows
from punie.training.plan import TrainingPlan
from punie.training.steps import Step
from punie.training.student import Learner, load_model, make_optimizer, make_trainable
from punie.training.workload import Work

_WORDS = 256
"""Token ids that every vocabulary has."""


def main() -> None:
    answer(lambda asked: _measure(TrainingPlan.model_validate(asked["plan"]), asked["cells"], asked["steps"]))


def _measure(plan: TrainingPlan, cells: Sequence[Any], steps: int) -> Iterator[Found]:
    """All of these cells have the layers and the checkpointing of the first."""
    asked = [msgspec.convert(cell, Cell) for cell in cells]
    limit = memory.allowed(plan.memory_limit)
    memory.require_weights_fit(Path(plan.model), limit)
    plan = plan.model_copy(
        update={"num_layers": asked[0].num_layers, "grad_checkpoint": asked[0].grad_checkpoint, "iters": 1 + steps}
    )
    began = time.perf_counter()
    model, tokenizer = load_model(plan.model)
    mx.random.seed(plan.seed)
    make_trainable(model, plan)
    mx.eval(model.parameters())
    yield Loaded(load_seconds=time.perf_counter() - began)
    for cell in asked:
        yield _found(_plan_of(plan, cell), cell, _learner(plan, cell, model, tokenizer), limit)


def _plan_of(plan: TrainingPlan, cell: Cell) -> TrainingPlan:
    """One batch after the other of the cell's rows, all of them in each."""
    rows = {"batch_size": cell.batch_size, "batch_tokens": None, "max_seq_length": max(cell.lengths)}
    plain = {"packing": False, "grad_accumulation_steps": 1, "val_batches": -1, "stages": ()}
    return plan.model_copy(update={**rows, **plain})


def _learner(plan: TrainingPlan, cell: Cell, model: Any, tokenizer: Any) -> Learner:
    draw = np.random.default_rng(plan.seed)
    rows = [
        TokenRow(draw.integers(_WORDS, size=length).tolist(), ((length - round(cell.learned * length), length),))
        for length in cell.lengths
    ]
    fitted, none = FittedRows(rows, (), 0, "cut"), FittedRows([], (), 0, "cut")
    masker, optimizer = MASKERS[plan.mask], make_optimizer(plan)
    return Learner(model, tokenizer, optimizer, fitted, none, masker, (), (), None, plan.seed)


def _found(plan: TrainingPlan, cell: Cell, learner: Learner, limit: int) -> Measured | TooLarge:
    engine = PunieEngine(plan, learner, 0)
    watch = _Watch(engine, limit)
    try:
        engine.run(watch)
    except _NoRoom:
        return TooLarge(cell, watch.needs)
    began = time.perf_counter()
    engine.validate(learner.train_rows)
    validation_seconds = time.perf_counter() - began
    groups = largest_groups(plan, engine.batching, learner.train_rows)
    seconds = [step.seconds for step in watch.steps[1:]]
    return Measured(
        cell=cell,
        steps=len(seconds),
        seconds=statistics.median(seconds),
        fastest=min(seconds),
        slowest=max(seconds),
        cpu_seconds=statistics.median(watch.cpu_seconds[1:]),
        first_seconds=watch.steps[0].seconds,
        validation_seconds=validation_seconds,
        tokens=watch.steps[0].tokens,
        peak_memory=watch.peak_memory,
        needs=watch.needs,
        work=Work(steps=1) + work_of(groups, engine.loss_route),
        widest=widest_of(groups, engine.loss_route),
        loss_route=engine.loss_route,
    )


class _NoRoom(Exception):
    """Leaves the engine before its first step."""


class _Watch:
    """What the engine tells, and what the clock of the processor says of each step."""

    needs: Needs

    def __init__(self, engine: PunieEngine, limit: int) -> None:
        self.engine, self.limit = engine, limit
        self.steps = list[Step]()
        self.cpu_seconds = list[float]()
        self.peak_memory = 0

    def begin(self, values: dict[str, Any]) -> None:
        self.needs = self.engine.needs()
        if self.needs.total > self.limit:
            raise _NoRoom
        mx.reset_peak_memory()

    def at_rest(self) -> None:
        self._began = time.process_time()

    def after(self, step: Step) -> None:
        self.steps.append(step)
        self.cpu_seconds.append(time.process_time() - self._began)
        self.peak_memory = mx.get_peak_memory()


if __name__ == "__main__":
    main()
