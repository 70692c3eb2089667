"""Which of a run's checkpoints becomes the adapter, which ones stay, and when more training is a waste of time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from punie.errors import DivergedError
from punie.training.plan import Select, TrainingPlan
from punie.training.progress import Validation


@dataclass(frozen=True, slots=True)
class Selection:
    """The checkpoint that became the adapter. `candidates` were compared for it, `loss` is its validation loss.

    The lowest of several losses flatters: part of what makes it lowest is chance. Judge the adapter on other rows.
    """

    iteration: int
    loss: float | None
    candidates: int
    reason: str


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

    def best(self, validations: Sequence[Validation]) -> Validation | None:
        """The lowest loss, the earlier one of two equal; None before there is a candidate."""
        candidates = self._candidates(validations)
        return min(candidates, key=lambda validation: validation.loss) if candidates else None

    def exhausted(self, validations: Sequence[Validation]) -> bool:
        """Whether the last `patience` validations brought no loss that is lower by more than `min_delta`."""
        if self.patience is None:
            return False
        waited, lowest = 0, float("inf")
        for _, loss in self._candidates(validations):
            waited, lowest = (0, loss) if loss < lowest - self.min_delta else (waited + 1, lowest)
        return waited >= self.patience

    def superfluous(self, iterations: Iterable[int], *, protected: int | None) -> set[int]:
        """Of checkpoints by iteration: all but the newest ones, and never the protected one."""
        if self.keep_checkpoints == -1:
            return set()
        newest = sorted(iterations, reverse=True)
        return set(newest[self.keep_checkpoints :]) - {protected}

    def choose(self, validations: Sequence[Validation], last: int) -> Selection:
        """`last` is the iteration at which training ended."""
        candidates = self._candidates(validations)
        best = self.best(validations)
        if self.select == "last" or best is None:
            loss = next((loss for iteration, loss in candidates if iteration == last), None)
            asked = "the plan asks for the last" if self.select == "last" else "there was nothing to choose by"
            return Selection(last, loss, 1, asked)
        reason = f"the lowest validation loss of {len(candidates)}"
        if any(loss <= best.loss for iteration, loss in validations if iteration < self.first):
            reason += ", and no lower than that of the model before training"
        return Selection(best.iteration, best.loss, len(candidates), reason)

    def _candidates(self, validations: Sequence[Validation]) -> list[Validation]:
        return [validation for validation in validations if validation.iteration >= self.first]


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
