"""mlx-lm's own training loop, driven through the seam between two of its steps: the reference.

`train` asks for a batch before every step and calls back after it; in between the process is at rest. Its own
validation, saving and averaged reports are left unused: they count from 1 in every session, validate before the last
step instead of after it, and notice a NaN only at the next report. Runs in the training child.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import mlx.core as mx
from mlx_lm.tuner.callbacks import TrainingCallback
from mlx_lm.tuner.trainer import TrainingArgs, evaluate, train

from punie.errors import DivergedError
from punie.training.adapter import AdapterFolder
from punie.training.batches import TokenRow, clipped, make_batch, slices
from punie.training.batching import RowsPerStep
from punie.training.needs import Needs
from punie.training.plan import TrainingPlan
from punie.training.steps import Listener, Pass, Step
from punie.training.student import Learner
from punie.training.views import staged_order
from punie.training.workload import Workload


class StockEngine(TrainingCallback):
    """Each batch in one padded block, all its logits, and updates that weigh accumulated batches alike."""

    loss_route = "full logits"

    def __init__(self, plan: TrainingPlan, learner: Learner, first: int) -> None:
        self.plan, self.learner, self.first = plan, learner, first
        self.val_batches, self.spread = plan.val_batches, plan.spread
        self.trained_tokens = 0
        self.done = first
        self.widths: set[int] = set()
        self.new_shape = False
        self.tokens = self.positions = 0
        self.rows: list[int] = []
        folder = AdapterFolder.of(plan)
        self.arguments = TrainingArgs(
            batch_size=plan.batch_size,
            iters=plan.iters - first,
            steps_per_report=1,
            steps_per_save=plan.iters + 1,
            adapter_file=str(folder.unfinished / folder.weights.name),
            max_seq_length=plan.max_seq_length,
            grad_checkpoint=plan.grad_checkpoint,
            grad_accumulation_steps=plan.grad_accumulation_steps,
        )

    def run(self, listener: Listener) -> None:
        self.listener = listener
        train(
            self.learner.model,
            self.learner.optimizer,
            self.learner.train_rows,
            args=self.arguments,
            iterate_batches=self._batches,
            training_callback=self,
        )

    def needs(self) -> Needs | None:
        return None

    def workload(self) -> Workload | None:
        return None

    def validate(self, rows: Sequence[TokenRow]) -> Pass:
        size, limit = self.plan.batch_size, self.plan.max_seq_length
        rows = rows[: None if self.val_batches == -1 else self.val_batches * size]
        loss = evaluate(self.learner.model, rows, size, self.val_batches, limit, iterate_batches=_validation)
        self.learner.model.train()
        positions = sum(make_batch(batch, limit).tokens.size for batch in slices(rows, size))
        return Pass(loss, len(rows), sum(clipped(rows, limit)), positions, sum(row.learned(limit).size for row in rows))

    def on_train_loss_report(self, train_info: dict[str, Any]) -> None:
        """mlx-lm's callback, after every step."""
        self.done += 1
        loss, rate = train_info["train_loss"], train_info["learning_rate"]
        if not math.isfinite(loss):
            raise DivergedError(
                f"The loss is {loss} at iteration {self.done}, with learning rate {rate:g}.",
                hint="No adapter was written. Lower the learning rate, or give the run some warmup.",
            )
        trained, self.trained_tokens = train_info["trained_tokens"] - self.trained_tokens, train_info["trained_tokens"]
        self.listener.after(
            Step(
                rows=self.rows,
                loss=loss,
                learning_rate=rate,
                seconds=1 / train_info["iterations_per_second"],
                tokens=self.tokens,
                positions=self.positions,
                trained_tokens=trained,
                new_shape=self.new_shape,
                gradient_norm=None,
            )
        )

    def _batches(self, dataset: list[TokenRow], batch_size: int, max_seq_length: int, **_: Any) -> Iterator[tuple]:
        """mlx-lm's source of batches; what it asks for here is what arrived of the plan."""
        self.listener.begin(self._values(batch_size, max_seq_length))
        batching = RowsPerStep(batch_size, max_seq_length)
        learner = self.learner
        order = staged_order(
            learner.views,
            batching,
            dataset,
            learner.seed,
            self.first,
            spread=self.spread,
            judged=learner.judged,
        )
        for _step in range(self.first, self.plan.iters):
            self.listener.at_rest()
            indices = next(order)
            self.rows = indices
            rows = [dataset[index] for index in indices]
            batch = make_batch(rows, max_seq_length)
            self.tokens, self.positions = sum(clipped(rows, max_seq_length)), batch.tokens.size
            self.new_shape = batch.tokens.shape[1] not in self.widths
            self.widths.add(batch.tokens.shape[1])
            yield mx.array(batch.tokens), mx.array(batch.spans)

    def _values(self, batch_size: int, max_seq_length: int) -> dict[str, Any]:
        return {
            "engine": "mlx-lm",
            "iters": self.first + self.arguments.iters,
            "batch_size": batch_size,
            "batch_tokens": None,
            "packing": False,
            "max_seq_length": max_seq_length,
            "grad_accumulation_steps": self.arguments.grad_accumulation_steps,
            "val_batches": self.val_batches,
            "spread": self.spread,
        }


def _validation(dataset: list[TokenRow], batch_size: int, max_seq_length: int, **_: Any) -> Iterator[tuple]:
    for rows in slices(dataset, batch_size):
        batch = make_batch(rows, max_seq_length)
        yield mx.array(batch.tokens), mx.array(batch.spans)
