"""The learning rate of every optimizer update, from the formulas alone.

What the real optimizer does is held against it (`echo.py`), so nothing here comes from MLX.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

Shape = Literal["constant", "cosine", "linear"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Rises linearly from 0 to `rate` over `warmup` updates, then goes as `shape` says to `final_rate` at the last."""

    shape: Shape
    rate: float
    final_rate: float
    warmup: int
    updates: int

    @property
    def has_room(self) -> bool:
        """Whether updates are left once the rate has risen."""
        return not self.warmup or self._decay_start + (self.shape != "constant") < self.updates

    def rate_at(self, update: int) -> float:
        """The rate of one optimizer update, counted from 0."""
        if update < self._decay_start:
            return self.rate * update / self.warmup
        progress = min((update - self._decay_start) / self._decay_updates, 1.0)
        span = self.rate - self.final_rate
        match self.shape:
            case "constant":
                return self.rate
            case "linear":
                return self.rate - span * progress
            case "cosine":
                return self.final_rate + span * (1 + math.cos(math.pi * progress)) / 2

    def to_mlx_lm(self) -> dict[str, Any] | None:
        """The same as `lr_schedule` of mlx-lm, which has None for a rate that never changes."""
        if self.shape == "constant" and not self.warmup:
            return None
        steps = self._decay_updates
        match self.shape:
            case "cosine":
                name, arguments = "cosine_decay", [self.rate, steps, self.final_rate]
            case "linear":
                name, arguments = "linear_schedule", [self.rate, self.final_rate, steps]
            case "constant":
                name, arguments = "linear_schedule", [self.rate, self.rate, steps]
        return {"name": name, "warmup": self.warmup, "arguments": arguments}

    @property
    def _decay_start(self) -> int:
        return self.warmup + 1 if self.warmup else 0

    @property
    def _decay_updates(self) -> int:
        return max(1, self.updates - 1 - self._decay_start)
