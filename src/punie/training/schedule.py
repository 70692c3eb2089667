"""The learning rate of every optimizer update, from the formulas alone.

What the real optimizer does is held against it (`echo.py`), so nothing here comes from MLX.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from punie.curriculum.pace import Shape


@dataclass(frozen=True, slots=True)
class Schedule:
    """Rises linearly from `first` to `highest` over `warmup` updates, then goes to `last` as `shape` says.

    The way down takes `decay` updates; None spends all that are left, so that the very last one has the rate `last`.
    """

    shape: Shape
    highest: float
    first: float
    last: float
    warmup: int
    decay: int | None
    updates: int

    def problem(self) -> str | None:
        """Why a plan cannot hold this, if it cannot."""
        falls = self.shape != "constant"
        problems = {
            "learning_rate is 0, which trains nothing": self.highest == 0,
            "final_learning_rate does nothing with schedule constant; use cosine or linear": not falls and self.last,
            "decay does nothing with schedule constant; use cosine or linear": not falls and self.decay,
            "initial_learning_rate does nothing without warmup": self.first and not self.warmup,
            "final_learning_rate is above learning_rate, which is the highest rate": self.last > self.highest,
            "initial_learning_rate is above learning_rate, which is the highest rate": self.first > self.highest,
            f"warmup leaves nothing of the {self.updates} updates for the schedule itself": (
                self.warmup and self._decay_start + falls >= self.updates
            ),
        }
        return next((problem for problem, holds in problems.items() if holds), None)

    def rate_at(self, update: int) -> float:
        """The rate of one optimizer update, counted from 0."""
        if update < self._decay_start:
            return self.first + (self.highest - self.first) * update / self.warmup
        progress = min((update - self._decay_start) / self._decay_updates, 1.0)
        span = self.highest - self.last
        match self.shape:
            case "constant":
                return self.highest
            case "linear":
                return self.highest - span * progress
            case "cosine":
                return self.last + span * (1 + math.cos(math.pi * progress)) / 2

    def to_mlx_lm(self) -> dict[str, Any] | None:
        """The same as `lr_schedule` of mlx-lm, which has None for a rate that never changes."""
        if self.shape == "constant" and not self.warmup:
            return None
        steps = self._decay_updates
        match self.shape:
            case "cosine":
                name, arguments = "cosine_decay", [self.highest, steps, self.last]
            case "linear":
                name, arguments = "linear_schedule", [self.highest, self.last, steps]
            case "constant":
                name, arguments = "linear_schedule", [self.highest, self.highest, steps]
        return {"name": name, "warmup": self.warmup, "warmup_init": self.first, "arguments": arguments}

    @property
    def _decay_start(self) -> int:
        """mlx-lm joins its two schedules one update after the warmup, so the highest rate comes twice."""
        return self.warmup + 1 if self.warmup else 0

    @property
    def _decay_updates(self) -> int:
        return self.decay or max(1, self.updates - 1 - self._decay_start)


@dataclass(frozen=True, slots=True)
class Rates:
    """The schedules of a run, one after the other: each begins where the one before has made its updates."""

    schedules: Sequence[Schedule]

    @property
    def starts(self) -> list[int]:
        """The update at which each schedule begins."""
        return [0, *accumulate(schedule.updates for schedule in self.schedules)][:-1]

    def problem(self) -> str | None:
        return next(filter(None, (schedule.problem() for schedule in self.schedules)), None)

    def rate_at(self, update: int) -> float:
        """The rate of one optimizer update of the run, counted from 0."""
        start, schedule = [pair for pair in zip(self.starts, self.schedules, strict=True) if pair[0] <= update][-1]
        return schedule.rate_at(update - start)

    def to_mlx_lm(self) -> dict[str, Any] | None:
        """As `lr_schedule` of mlx-lm, which has one schedule for a run and no word for several."""
        return self.schedules[0].to_mlx_lm() if len(self.schedules) == 1 else None
