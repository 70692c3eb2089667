"""One session of a training run: what happens between the steps of an engine. It reports, validates, saves and stops.

Runs in the training child.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import mlx.core as mx
from msgspec.structs import replace as with_changes

from punie.curriculum.mix import Ladder
from punie.errors import InterruptedRun, UsageError
from punie.training import readback
from punie.training.adapter import START, AdapterFolder
from punie.training.archive import Archive
from punie.training.checkpoint import forget_moments
from punie.training.echo import schedule_points
from punie.training.ladder import judge, phase_now
from punie.training.loop import PunieEngine
from punie.training.masking import MASKERS
from punie.training.metrics import (
    Doing,
    Done,
    Echo,
    MemoryNeeds,
    Metric,
    PhaseLoss,
    Saved,
    StageBegan,
    ValidLoss,
    append_metric,
)
from punie.training.needs import require_fit, too_large
from punie.training.plan import TrainingPlan
from punie.training.probes import after_training, before_training
from punie.training.progress import Progress, Validation
from punie.training.selection import Selector, require_sense
from punie.training.steps import Engine, Step
from punie.training.stock import StockEngine
from punie.training.student import Learner
from punie.training.views import View, phases_of
from punie.training.window import Window
from punie.training.world import World


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What happens after how many iterations."""

    steps_per_report: int
    steps_per_eval: int
    save_every: int

    @classmethod
    def of(cls, plan: TrainingPlan) -> Rhythm:
        return cls(plan.steps_per_report, plan.steps_per_eval, plan.save_every)


class _EnoughTraining(Exception):
    """Leaves the engine's loop before its last iteration."""


class Session:
    """Trains from `progress` to the end of the plan, or until `stopping` says so."""

    def __init__(
        self,
        plan: TrainingPlan,
        learner: Learner,
        progress: Progress,
        echo: Echo,
        limit: int,
        world: World,
        stopping: Callable[[], bool],
    ) -> None:
        self.plan = plan
        self.folder = AdapterFolder.of(plan)
        self.learner = learner
        self.start = self.progress = progress
        self.echo = echo
        self.limit = limit
        self.world = world
        self.stopping = stopping
        self.rhythm = Rhythm.of(plan)
        self.selector = Selector.of(plan)
        self.archive = Archive(self.folder, plan, learner, self.selector)
        self.stages = {view.start: view for view in learner.views}
        self.phases = phases_of(learner.views)
        self.ladder = next((view.found.mix.ladder for view in learner.views), None)
        learner.judged[:] = progress.judged
        self.window = Window()
        self.probing = plan.probes
        self.train_loss = math.nan
        self.best_due = self.save_due = False
        self.engine: Engine = (StockEngine if plan.engine == "mlx-lm" else PunieEngine)(
            plan, learner, progress.iteration
        )

    def run(self) -> Done:
        """Raises DivergedError, and InterruptedRun when stopped: by then the state is saved."""
        self.archive.open()
        with suppress(_EnoughTraining):
            self.engine.run(self)
        return self._finish()

    def begin(self, values: dict[str, Any]) -> None:
        """Say what arrived of the plan: in the engine, in the model and its optimizer, and here."""
        found = {
            **self.echo.values,
            **readback.read_model(self.learner.model, self.learner.tokenizer),
            **readback.read_optimizer(self.learner.optimizer, schedule_points(self.plan)),
            **asdict(self.rhythm),
            **self.selector.values(),
            "stages": [view.values() for view in self.learner.views],
            "mask": next(mask for mask, masker in MASKERS.items() if masker is self.learner.masker),
            "adapter_path": str(self.folder.root),
            "probes": self.probing,
            "memory_limit": self.plan.memory_limit and self.limit / 1e9,
            **values,
        }
        self._say(with_changes(self.echo, values=found, loss_route=self.engine.loss_route))
        with self.world.together():
            self._require_memory()
            if self.probing and self.start.iteration == 0:
                self._probe()

    def _probe(self) -> None:
        """Raises UsageError at the first probe that fails, with what that means."""
        plan, learner = self.plan, self.learner
        untrained = plan.resume_from is None and (Path(plan.model) / START).is_file()
        for probed in before_training(learner.model, learner.train_rows, plan.max_seq_length, untrained=untrained):
            self._say(probed)
            if probed.advice:
                hint = f"{probed.advice}\nTo train all the same: probes: false in the plan, or --no-probes."
                raise UsageError(probed.found, where=f"probe {probed.probe}", hint=hint)

    def _require_memory(self) -> None:
        if (needs := self.engine.needs()) is None:
            return
        self._say(MemoryNeeds(iteration=self.progress.iteration, needs=needs, limit=self.limit))
        require_fit(needs, self.limit)

    def at_rest(self) -> None:
        """Nothing is saved, and no stage begun, at the point where a resumed run starts: that was done."""
        done, stage = self.progress.iteration, self.stages.get(self.progress.iteration)
        if stage or done % self.rhythm.steps_per_eval == 0:
            self._validate()
        if self.ladder is not None and done and done % self.rhythm.steps_per_eval == 0:
            self._judge(self.ladder)
        with self.world.together():
            self._keep_best()
            if stage and (done == 0 or done > self.start.iteration):
                self._begin_stage(stage)
            if done > self.start.iteration:
                self._save_if_due()
        if self._at_update:
            self._stop_if_asked()
            self._stop_if_too_large()
            if self.selector.exhausted(self.progress.validations):
                raise _EnoughTraining

    def _stop_if_asked(self) -> None:
        if self.world.any(self.stopping()):
            with self.world.together():
                self.archive.save_state(self.progress)
            raise InterruptedRun(f"Training was stopped after iteration {self.progress.iteration}.")

    def _stop_if_too_large(self) -> None:
        peak = mx.get_peak_memory()
        if not self.world.any(peak > self.limit):
            return
        with self.world.together():
            self.archive.save_state(self.progress)
        raise too_large(self.world.highest(peak), self.limit, self.progress.iteration, self.folder)

    def after(self, step: Step) -> None:
        done = self.progress.iteration + 1
        self.window.steps.append(step)
        self.progress = replace(
            self.progress,
            iteration=done,
            tokens=self.progress.tokens + step.tokens,
            trained_tokens=self.progress.trained_tokens + step.trained_tokens,
            seconds=self.progress.seconds + step.seconds,
        )
        if done % self.rhythm.steps_per_report == 0 or done == self.plan.iters or done in self.stages:
            self._report()

    def _begin_stage(self, view: View) -> None:
        """What was learned before is kept under its own name, and saved together with the beginning of the next."""
        if self.progress.stage is not None:
            self.archive.save_stage(self.progress.stage)
            self.save_due = True
        if view.stage.restart == "all":
            forget_moments(self.learner.optimizer)
        self.progress = replace(self.progress, stage=view.stage.name)
        began = {"stage": view.stage.name, "rows": len(view.rows), "iters": view.stage.iters}
        self._say(StageBegan(iteration=self.progress.iteration, **began))

    @property
    def _at_update(self) -> bool:
        """Whether no gradients are accumulated, which a state does not hold."""
        return self.progress.iteration % self.plan.grad_accumulation_steps == 0

    def _keep_best(self) -> None:
        """At once, for it may not come again."""
        if self.best_due:
            self.archive.save_checkpoint(self.progress.iteration)
            self.best_due = False

    def _save_if_due(self) -> None:
        done = self.progress.iteration
        self.save_due |= done % self.rhythm.save_every == 0
        if self.save_due and self._at_update:
            self.archive.save_checkpoint(done)
            self.archive.save_state(self.progress)
            self._say(Saved(iteration=done))
            self.save_due = False
            self.archive.drop_old_checkpoints(self.progress)

    def _validate(self) -> None:
        """Once at an iteration, over all sessions."""
        at = self.progress.iteration
        if not self.learner.valid_rows or any(validation.iteration == at for validation in self.progress.validations):
            return
        self._say(Doing(what="validating", iteration=self.progress.iteration))
        started = time.perf_counter()
        done = self.engine.validate(self.learner.valid_rows)
        seconds = time.perf_counter() - started
        figures = {"loss": done.loss, "rows": done.rows, "padding": done.padding, "supervised": done.supervised}
        if math.isfinite(done.loss):  # JSON has no other numbers, and the error tells of it
            self._say(ValidLoss(iteration=at, stage=self.progress.stage, seconds=seconds, **figures))
        before = next((validation.loss for validation in self.progress.validations), done.loss)
        require_sense(done.loss, before, self.learner.tokenizer.vocab_size, self.plan, at)
        found = Validation(at, done.loss)
        self.progress = replace(self.progress, validations=(*self.progress.validations, found))
        self.best_due = self.selector.select == "best" and self.selector.best(self.progress.validations) == found

    def _judge(self, ladder: Ladder) -> None:
        """Once at an iteration, over all sessions: the loss of the current phase, and which phase is next."""
        judged, at = self.learner.judged, self.progress.iteration
        if any(one.iteration == at for one in judged):
            return
        now, started = phase_now(judged), time.perf_counter()
        done = self.engine.validate(self.learner.phase_valid_rows[now])
        require_sense(done.loss, done.loss, self.learner.tokenizer.vocab_size, self.plan, at)
        found = judge(ladder, len(self.learner.phase_valid_rows), judged, at, done.loss)
        judged.append(found)
        self.progress = replace(self.progress, judged=tuple(judged))
        names = [part.phase for part in self.learner.views[0].found.parts]
        figures = {"loss": done.loss, "rows": done.rows, "seconds": time.perf_counter() - started}
        self._say(PhaseLoss(iteration=at, phase=names[now], next=names[found.next], **figures))

    def _report(self) -> None:
        metric, self.window = self.window.metric(self.progress, self.phases), Window()
        self.train_loss = metric.loss
        self._say(metric)

    def _finish(self) -> Done:
        if self.window.steps:
            self._report()
        self._validate()
        self._keep_best()
        if self.progress.iteration % self.rhythm.save_every == 0:
            self.archive.save_checkpoint(self.progress.iteration)
        if self.progress.stage is not None:
            self.archive.save_stage(self.progress.stage)
        selection = self.selector.choose(self.progress.validations, self.progress.iteration)
        self.archive.save_adapter(selection, self.progress.iteration)
        if self.probing:
            self._probe_output()
        return Done(
            selection=selection,
            stopped_early=self.progress.iteration < self.plan.iters,
            iterations=self.progress.iteration,
            train_loss=self.train_loss,
            seconds=self.progress.seconds,
            tokens=self.progress.tokens,
            trained_tokens=self.progress.trained_tokens,
            peak_memory=mx.get_peak_memory(),
        )

    def _probe_output(self) -> None:
        """Of the weights after the last step. It comes too late to be an error, and is told as a warning."""
        rows = self.learner.valid_rows or self.learner.train_rows
        probed = after_training(self.learner.model, self.learner.tokenizer, rows, self.plan.max_seq_length)
        self._say(with_changes(probed, iteration=self.progress.iteration))

    def _say(self, metric: Metric) -> None:
        append_metric(self.folder.metrics, metric)
