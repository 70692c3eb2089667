"""One session of a training run: mlx-lm's own loop, with everything of ours in the seam between two of its steps.

mlx-lm's `train` asks for a batch before every step and calls back after it. In between the process is at rest: that is
where it validates, saves and stops. mlx-lm's own validation, saving and averaged reports are left unused: they count
from 1 in every session, validate before the last step instead of after it, and notice a NaN only at the next report.
Runs in the training child.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import mlx.core as mx
from mlx_lm.tuner.callbacks import TrainingCallback
from mlx_lm.tuner.trainer import TrainingArgs, evaluate, train
from msgspec.structs import replace as with_changes

from punie.errors import DivergedError, InterruptedRun
from punie.files import make_folder, write_json
from punie.training import readback
from punie.training.adapter import AdapterFolder
from punie.training.batches import Batch, TokenRow, make_batch, training_order, validation_batches
from punie.training.checkpoint import save_state, save_weights
from punie.training.echo import schedule_points
from punie.training.metrics import Done, Echo, Metric, Saved, TrainLoss, ValidLoss, append_metric
from punie.training.plan import TrainingPlan
from punie.training.progress import Progress
from punie.training.student import Learner


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What happens after how many iterations."""

    steps_per_report: int
    steps_per_eval: int
    val_batches: int
    save_every: int

    @classmethod
    def of(cls, plan: TrainingPlan) -> Rhythm:
        return cls(plan.steps_per_report, plan.steps_per_eval, plan.val_batches, plan.save_every)


@dataclass(slots=True)
class Window:
    """What has happened since the last report."""

    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0
    tokens: int = 0
    new_shapes: int = 0

    @property
    def loss(self) -> float:
        return sum(self.losses) / len(self.losses)


class Session(TrainingCallback):
    """Trains from `progress` to the end of the plan, or until `stopping` says so."""

    def __init__(
        self, plan: TrainingPlan, learner: Learner, progress: Progress, echo: Echo, stopping: Callable[[], bool]
    ) -> None:
        self.plan = plan
        self.folder = AdapterFolder.of(plan)
        self.learner = learner
        self.start = self.progress = progress
        self.echo = echo
        self.stopping = stopping
        self.rhythm = Rhythm.of(plan)
        self.window = Window()
        self.widths: set[int] = set()
        self.train_loss = math.nan
        self.valid_loss: float | None = None
        self.save_due = False
        self.arguments = TrainingArgs(
            batch_size=plan.batch_size,
            iters=plan.iters - progress.iteration,
            steps_per_report=1,
            steps_per_save=plan.iters + 1,
            adapter_file=str(self.folder.unfinished / self.folder.weights.name),
            max_seq_length=plan.max_seq_length,
            grad_checkpoint=plan.grad_checkpoint,
            grad_accumulation_steps=plan.grad_accumulation_steps,
        )

    def run(self) -> Done:
        """Raises DivergedError, and InterruptedRun when stopped: by then the state is saved."""
        make_folder(self.folder.unfinished)
        train(
            self.learner.model,
            self.learner.optimizer,
            self.learner.train_rows,
            args=self.arguments,
            iterate_batches=self._batches,
            training_callback=self,
        )
        return self._finish()

    def on_train_loss_report(self, train_info: dict[str, Any]) -> None:
        """mlx-lm's callback, after every step."""
        loss, seconds, done = (
            train_info["train_loss"],
            1 / train_info["iterations_per_second"],
            self.progress.iteration + 1,
        )
        if not math.isfinite(loss):
            raise DivergedError(
                f"The loss is {loss} at iteration {done}, with learning rate {train_info['learning_rate']:g}.",
                hint="No adapter was written. Lower the learning rate, or give the run some warmup.",
            )
        self.window.losses.append(loss)
        self.window.seconds += seconds
        self.progress = replace(
            self.progress,
            iteration=done,
            trained_tokens=self.start.trained_tokens + train_info["trained_tokens"],
            seconds=self.progress.seconds + seconds,
        )
        if done % self.rhythm.steps_per_report == 0 or done == self.plan.iters:
            self._report(train_info["learning_rate"])

    def _batches(self, dataset: list[TokenRow], batch_size: int, max_seq_length: int, **_: Any) -> Iterator[tuple]:
        """mlx-lm's source of batches; what it asks for here is what arrived of the plan."""
        self._say(with_changes(self.echo, values=self._echo_values(batch_size, max_seq_length)))
        lengths = [len(row.tokens) for row in dataset]
        for indices in training_order(lengths, batch_size, self.plan.seed, first=self.start.iteration):
            self._between_steps()
            batch = make_batch([dataset[index] for index in indices], max_seq_length)
            self._count(batch)
            yield mx.array(batch.tokens), mx.array(batch.spans)

    def _echo_values(self, batch_size: int, max_seq_length: int) -> dict[str, Any]:
        return {
            **self.echo.values,
            **readback.read_model(self.learner.model, self.learner.tokenizer),
            **readback.read_optimizer(self.learner.optimizer, schedule_points(self.plan)),
            **asdict(self.rhythm),
            "mask_prompt": any(row.offset > 0 for row in self.learner.train_rows),
            "iters": self.start.iteration + self.arguments.iters,
            "grad_accumulation_steps": self.arguments.grad_accumulation_steps,
            "batch_size": batch_size,
            "max_seq_length": max_seq_length,
            "adapter_path": str(self.folder.root),
        }

    def _between_steps(self) -> None:
        """Nothing is due at the point where a resumed run starts: it was done before the state was saved."""
        done = self.progress.iteration
        if done == 0 or (done > self.start.iteration and done % self.rhythm.steps_per_eval == 0):
            self._validate()
        if done > self.start.iteration:
            self._save_if_due()
        if self.stopping() and self._at_update:
            save_state(self.folder.state, self.learner.model, self.learner.optimizer, self.progress)
            raise InterruptedRun(f"Training was stopped after iteration {done}.")

    @property
    def _at_update(self) -> bool:
        """Whether no gradients are accumulated, which a state does not hold."""
        return self.progress.iteration % self.plan.grad_accumulation_steps == 0

    def _save_if_due(self) -> None:
        self.save_due |= self.progress.iteration % self.rhythm.save_every == 0
        if self.save_due and self._at_update:
            self._checkpoint()
            save_state(self.folder.state, self.learner.model, self.learner.optimizer, self.progress)
            self._say(Saved(iteration=self.progress.iteration))
            self.save_due = False

    def _checkpoint(self) -> None:
        name = f"{self.progress.iteration:07d}_{self.folder.weights.name}"
        save_weights(self.folder.unfinished / name, self.learner.model)

    def _validate(self) -> None:
        if not self.learner.valid_rows:
            return
        started = time.perf_counter()
        self.valid_loss = evaluate(
            self.learner.model,
            self.learner.valid_rows,
            self.plan.batch_size,
            self.rhythm.val_batches,
            self.plan.max_seq_length,
            iterate_batches=_validation,
        )
        self.learner.model.train()
        seconds = time.perf_counter() - started
        self._say(ValidLoss(iteration=self.progress.iteration, loss=self.valid_loss, seconds=seconds))

    def _count(self, batch: Batch) -> None:
        width = batch.tokens.shape[1]
        self.window.new_shapes += width not in self.widths
        self.widths.add(width)
        self.window.tokens += batch.count
        self.progress = replace(self.progress, tokens=self.progress.tokens + batch.count)

    def _report(self, learning_rate: float) -> None:
        window, self.window = self.window, Window()
        self.train_loss = window.loss
        self._say(
            TrainLoss(
                iteration=self.progress.iteration,
                loss=window.loss,
                learning_rate=learning_rate,
                iterations_per_second=len(window.losses) / window.seconds,
                tokens_per_second=window.tokens / window.seconds,
                tokens=self.progress.tokens,
                trained_tokens=self.progress.trained_tokens,
                peak_memory=mx.get_peak_memory(),
                new_shapes=window.new_shapes,
            )
        )

    def _finish(self) -> Done:
        self._validate()
        if self.plan.iters % self.rhythm.save_every == 0:
            self._checkpoint()
        write_json(self.folder.unfinished / self.folder.config.name, self.plan.to_mlx_lm())
        save_weights(self.folder.unfinished / self.folder.weights.name, self.learner.model)
        return Done(
            iterations=self.progress.iteration,
            train_loss=self.train_loss,
            valid_loss=self.valid_loss,
            seconds=self.progress.seconds,
            tokens=self.progress.tokens,
            trained_tokens=self.progress.trained_tokens,
            peak_memory=mx.get_peak_memory(),
        )

    def _say(self, metric: Metric) -> None:
        append_metric(self.folder.metrics, metric)


def _validation(dataset: list[TokenRow], batch_size: int, max_seq_length: int, **_: Any) -> Iterator[tuple]:
    for batch in validation_batches(dataset, batch_size, max_seq_length):
        yield mx.array(batch.tokens), mx.array(batch.spans)
