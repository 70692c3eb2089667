"""Which of a run's checkpoints becomes the adapter, which ones stay, and when more training is a waste of time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from punie.errors import DivergedError
from punie.training.knobs import Select
from punie.training.plan import TrainingPlan
from punie.training.progress import Progress
from punie.training.scores import Score


@dataclass(frozen=True, slots=True)
class Selection:
    """The checkpoint that became the adapter. `candidates` were compared for it, `loss` is its validation loss.

    The best of several flatters: part of what makes it best is chance. Judge the adapter on other rows and other cases.
    """

    iteration: int
    loss: float | None
    candidates: int
    reason: str
    score: Score | None = None
    """Of the same checkpoint, where it was scored."""
    alike: int | None = None
    """Where scores were compared: how many of them, its own included, lie within its 95 % interval."""


@dataclass(frozen=True, slots=True)
class Selector:
    """The plan's fields of the same names, and `first`: the iteration by which weights have changed at all."""

    select: Select
    patience: int | None
    min_delta: float
    keep_checkpoints: int
    first: int

    @classmethod
    def of(cls, plan: TrainingPlan) -> Selector:
        return cls(plan.select, plan.patience, plan.min_delta, plan.keep_checkpoints, plan.grad_accumulation_steps)

    def values(self) -> dict[str, Any]:
        """The plan's fields, from what is used here."""
        return {name: getattr(self, name) for name in ("select", "patience", "min_delta", "keep_checkpoints")}

    def best(self, progress: Progress) -> int | None:
        """The iteration that would be chosen now; None before there is a candidate, and where the last one is chosen.

        The lowest loss, the earlier one of two equal. Or the highest score; of equal ones that of the lowest validation
        loss, where it was measured at the same iteration, and then the earliest.
        """
        ranked = [] if self.select == "last" else self._ranked(progress)
        return min(ranked)[-1] if ranked else None

    def exhausted(self, progress: Progress) -> bool:
        """Whether the last `patience` losses or scores were no better than before by more than `min_delta`."""
        if self.patience is None:
            return False
        waited, lowest = 0, math.inf
        for value, _, _ in self._ranked(progress):
            waited, lowest = (0, value) if value < lowest - self.min_delta else (waited + 1, lowest)
        return waited >= self.patience

    def superfluous(self, iterations: Iterable[int], *, protected: int | None) -> set[int]:
        """Of checkpoints by iteration: all but the newest ones, and never the protected one."""
        if self.keep_checkpoints == -1:
            return set()
        newest = sorted(iterations, reverse=True)
        return set(newest[self.keep_checkpoints :]) - {protected}

    def choose(self, progress: Progress) -> Selection:
        """Of the checkpoints up to here, where training has ended."""
        losses = {at: loss for at, loss in progress.validations if at >= self.first}
        scores = {score.iteration: score for score in self._scored(progress)}
        if (best := self.best(progress)) is None:
            reason = {"last": "the plan asks for the last", "score": "no checkpoint could be scored"}.get(self.select)
            at = progress.iteration
            return Selection(at, losses.get(at), 1, reason or "there was nothing to choose by", scores.get(at))
        if self.select == "score":
            return self._of_scores(scores, best, losses.get(best))
        reason = f"the lowest validation loss of {len(losses)}"
        if any(loss <= losses[best] for at, loss in progress.validations if at < self.first):
            reason += ", and no lower than that of the model before training"
        return Selection(best, losses[best], len(losses), reason, scores.get(best))

    def _of_scores(self, scores: Mapping[int, Score], best: int, loss: float | None) -> Selection:
        chosen = scores[best]
        alike = sum(score.share >= chosen.low for score in scores.values())
        reason = f"the highest score of {len(scores)}, {chosen.right} of {chosen.counted} right"
        if any(score.share == chosen.share for at, score in scores.items() if at != best):
            reason += ", and of equal ones that of the lowest validation loss, then the earliest"
        return Selection(best, loss, len(scores), reason, chosen, alike)

    def _ranked(self, progress: Progress) -> list[tuple[float, float, int]]:
        """The candidates in their order: what they are compared by, what decides between equal ones, iteration."""
        losses = {at: loss for at, loss in progress.validations if at >= self.first}
        if self.select == "score":
            scores = self._scored(progress)
            return [(-score.share, losses.get(score.iteration, math.inf), score.iteration) for score in scores]
        return [(loss, 0.0, at) for at, loss in losses.items()]

    def _scored(self, progress: Progress) -> list[Score]:
        return [score for score in progress.scores if score.counted and score.iteration >= self.first]


def require_sense(loss: float, before: float, vocabulary: int, plan: TrainingPlan, iteration: int) -> None:
    """Raises DivergedError where a model that knew something has come to know less than nothing.

    `before` is its validation loss before training; blind guessing among `vocabulary` tokens has its logarithm.
    """
    guessing = math.log(vocabulary)
    if math.isfinite(loss) and not before < guessing < loss:
        return
    rate = plan.rates.rate_at(max(iteration // plan.grad_accumulation_steps - 1, 0))
    raise DivergedError(
        f"The validation loss is {loss:.4g} after iteration {iteration}, with learning rate {rate:g}; "
        f"it was {before:.4g} before training, and blind guessing has {guessing:.4g}.",
        where=plan.adapter_path,
        hint="No adapter was written. Lower the learning rate, or give the run some warmup.",
    )
