"""One session of a training run: what happens between the steps of an engine. It reports, validates, saves and stops.

Runs in the training child.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

import mlx.core as mx
from msgspec.structs import replace as with_changes

from punie.errors import InterruptedRun
from punie.training.adapter import AdapterFolder
from punie.training.archive import Archive
from punie.training.checkpoint import forget_moments
from punie.training.loop import PunieEngine
from punie.training.metrics import Done, Echo, Metric, Saved, StageBegan, TrainLoss, append_metric, read_metrics
from punie.training.needs import too_large
from punie.training.opening import probe_input, probe_output, read_back, require_memory
from punie.training.plan import TrainingPlan
from punie.training.progress import Progress
from punie.training.scoring import Scoring
from punie.training.selection import Selector
from punie.training.steps import Engine, Step
from punie.training.stock import StockEngine
from punie.training.student import Learner
from punie.training.validating import Validator
from punie.training.views import View, phases_of
from punie.training.window import Window
from punie.training.world import World


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What happens after how many iterations."""

    steps_per_report: int
    steps_per_eval: int
    save_every: int
    score_every: int | None

    @classmethod
    def of(cls, plan: TrainingPlan) -> Rhythm:
        return cls(plan.steps_per_report, plan.steps_per_eval, plan.save_every, plan.score_every)


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
        self.train_loss = _last_loss(self.folder)
        self.save_due = False
        self.engine: Engine = (StockEngine if plan.engine == "mlx-lm" else PunieEngine)(
            plan, learner, progress.iteration
        )
        self.validator = Validator(plan, learner, self.engine, self._say)
        self.scoring = Scoring.of(plan, self.archive, self._say, stopping)

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
            **read_back(self.plan, self.learner),
            **asdict(self.rhythm),
            **self.selector.values(),
            "adapter_path": str(self.folder.root),
            "probes": self.probing,
            "memory_limit": self.plan.memory_limit and self.limit / 1e9,
            **values,
        }
        engine = {"loss_route": self.engine.loss_route, "workload": self.engine.workload()}
        self._say(with_changes(self.echo, values=found, **engine))
        with self.world.together():
            require_memory(self.engine, self.limit, self.progress.iteration, self._say)
            if self.probing and self.start.iteration == 0:
                probe_input(self.plan, self.learner, self._say)

    def at_rest(self) -> None:
        """Nothing is saved, and no stage begun, at the point where a resumed run starts: that was done.

        The score comes after them: a run that is stopped while it waits for one has them behind it.
        """
        done, stage = self.progress.iteration, self.stages.get(self.progress.iteration)
        if stage or done % self.rhythm.steps_per_eval == 0:
            self.progress = self.validator.validate(self.progress)
        if self.ladder is not None and done and done % self.rhythm.steps_per_eval == 0:
            self.progress = self.validator.judge(self.ladder, self.progress)
        with self.world.together():
            if stage and (done == 0 or done > self.start.iteration):
                self._begin_stage(stage)
        if self.scoring.due(done):
            self.progress = self.scoring.score(self.progress)
        with self.world.together():
            self._keep_best()
            if done > self.start.iteration:
                self._save_if_due()
        if self._at_update:
            self._stop_if_asked()
            self._stop_if_too_large()
            if self.selector.exhausted(self.progress):
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
        if self.selector.best(self.progress) == self.progress.iteration:
            self.archive.save_checkpoint(self.progress.iteration)

    def _save_if_due(self) -> None:
        done = self.progress.iteration
        self.save_due |= done % self.rhythm.save_every == 0
        if self.save_due and self._at_update:
            self.archive.save_checkpoint(done)
            self.archive.save_state(self.progress)
            self._say(Saved(iteration=done))
            self.save_due = False
            self.archive.drop_old_checkpoints(self.progress)

    def _report(self) -> None:
        metric, self.window = self.window.metric(self.progress, self.phases), Window()
        self.train_loss = metric.loss
        self._say(metric)

    def _finish(self) -> Done:
        if self.window.steps:
            self._report()
        self.progress = self.scoring.score(self.validator.validate(self.progress))
        if self.scoring.lacks(self.progress):
            self._stop_if_asked()
        self._keep_best()
        if self.progress.iteration % self.rhythm.save_every == 0:
            self.archive.save_checkpoint(self.progress.iteration)
        if self.progress.stage is not None:
            self.archive.save_stage(self.progress.stage)
        selection = self.selector.choose(self.progress)
        if self.world.rank == 0:  # the checkpoints of an earlier session lie there alone
            self.archive.save_adapter(selection, self.progress.iteration)
        if self.probing:
            probe_output(self.plan, self.learner, self.progress.iteration, self._say)
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

    def _say(self, metric: Metric) -> None:
        append_metric(self.folder.metrics, metric)


def _last_loss(folder: AdapterFolder) -> float:
    """That an earlier session reported last: one that was stopped behind its last step is not followed by a report."""
    told = [metric.loss for metric in read_metrics(folder.metrics) if isinstance(metric, TrainLoss)]
    return told[-1] if told else math.nan
