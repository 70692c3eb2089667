"""Looking at the validation rows between two steps. Runs in the training child."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from punie.curriculum.mix import Ladder
from punie.training.ladder import judge, phase_now
from punie.training.metrics import Doing, Metric, PhaseLoss, ValidLoss
from punie.training.plan import TrainingPlan
from punie.training.progress import Progress, Validation
from punie.training.selection import require_sense
from punie.training.steps import Engine
from punie.training.student import Learner


@dataclass(frozen=True, slots=True)
class Validator:
    """Everything happens once at an iteration, over all sessions, and is told to `say`.

    Its methods return the progress with what was found in it, and raise DivergedError at a loss that makes no sense.
    """

    plan: TrainingPlan
    learner: Learner
    engine: Engine
    say: Callable[[Metric], None]

    def validate(self, progress: Progress) -> Progress:
        at, rows = progress.iteration, self.learner.valid_rows
        if not rows or any(validation.iteration == at for validation in progress.validations):
            return progress
        self.say(Doing(what="validating", iteration=at))
        started = time.perf_counter()
        done = self.engine.validate(rows)
        seconds = time.perf_counter() - started
        figures = {"loss": done.loss, "rows": done.rows, "padding": done.padding, "supervised": done.supervised}
        if math.isfinite(done.loss):  # JSON has no other numbers, and the error tells of it
            self.say(ValidLoss(iteration=at, stage=progress.stage, seconds=seconds, **figures))
        self._require_sense(done.loss, next((found.loss for found in progress.validations), done.loss), at)
        return replace(progress, validations=(*progress.validations, Validation(at, done.loss)))

    def judge(self, ladder: Ladder, progress: Progress) -> Progress:
        """The loss of the current phase, and which phase is next."""
        judged, at = self.learner.judged, progress.iteration
        if any(one.iteration == at for one in judged):
            return progress
        now, started = phase_now(judged), time.perf_counter()
        done = self.engine.validate(self.learner.phase_valid_rows[now])
        self._require_sense(done.loss, done.loss, at)
        found = judge(ladder, len(self.learner.phase_valid_rows), judged, at, done.loss)
        judged.append(found)
        names = [part.phase for part in self.learner.views[0].found.parts]
        figures = {"loss": done.loss, "rows": done.rows, "seconds": time.perf_counter() - started}
        self.say(PhaseLoss(iteration=at, phase=names[now], next=names[found.next], **figures))
        return replace(progress, judged=tuple(judged))

    def _require_sense(self, loss: float, before: float, at: int) -> None:
        require_sense(loss, before, self.learner.tokenizer.vocab_size, self.plan, at)
