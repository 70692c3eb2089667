"""Having the model scored between two steps: it is laid ready, its parent has it asked, and training waits.

Nothing that learns is touched meanwhile: a run ends in the same weights with and without. Runs in the training child.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import mlx.core as mx
import msgspec

from punie.training.archive import Archive
from punie.training.metrics import Metric, Scored, ScoreDue
from punie.training.plan import TrainingPlan
from punie.training.progress import Progress
from punie.training.scores import Score

_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Scoring:
    """`every` is the plan's `score_every`; None where nothing is scored."""

    every: int | None
    iters: int
    archive: Archive
    say: Callable[[Metric], None]
    stopping: Callable[[], bool]

    @classmethod
    def of(
        cls, plan: TrainingPlan, archive: Archive, say: Callable[[Metric], None], stopping: Callable[[], bool]
    ) -> Scoring:
        return cls(plan.score_every, plan.iters, archive, say, stopping)

    def due(self, iteration: int) -> bool:
        return self.every is not None and iteration > 0 and iteration % self.every == 0

    def lacks(self, progress: Progress) -> bool:
        """Whether the model as it is now was to be scored, and was not."""
        return self.every is not None and all(score.iteration != progress.iteration for score in progress.scores)

    def score(self, progress: Progress) -> Progress:
        """The progress with a score, once at an iteration over all sessions; the same where stopping came first."""
        if self.every is None or not self.lacks(progress):
            return progress
        at = progress.iteration
        self.archive.lay_ready()
        mx.clear_cache()
        self.say(ScoreDue(iteration=at))
        if (score := self._answer()) is None:
            return progress
        self.say(Scored(iteration=at, score=score, left=-(-(self.iters - at) // self.every)))
        return replace(progress, scores=(*progress.scores, score))

    def _answer(self) -> Score | None:
        """What the parent found; None where the run is to stop. Without a parent this process is ended."""
        answer = self.archive.folder.answer
        while not answer.is_file():
            if self.stopping():
                return None
            time.sleep(_POLL_SECONDS)
        score = msgspec.json.decode(answer.read_bytes(), type=Score)
        answer.unlink()
        return score
