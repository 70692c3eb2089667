"""The steps since the last report, and the figures that are reported of them. Runs in the training child."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import mlx.core as mx

from punie.training.metrics import TrainLoss
from punie.training.progress import Progress
from punie.training.steps import Step


@dataclass(frozen=True, slots=True)
class Window:
    steps: list[Step] = field(default_factory=list)

    def metric(self, progress: Progress, phases: Mapping[int, str]) -> TrainLoss:
        """`phases` has that of each row, in a run that has any."""
        steps = self.steps
        seconds, tokens = sum(step.seconds for step in steps), sum(step.tokens for step in steps)
        norms = [step.gradient_norm for step in steps if step.gradient_norm is not None]
        return TrainLoss(
            iteration=progress.iteration,
            stage=progress.stage,
            phases=dict(Counter(phases[row] for step in steps for row in step.rows)) if phases else {},
            loss=sum(step.loss for step in steps) / len(steps),
            learning_rate=steps[-1].learning_rate,
            gradient_norm=norms[-1] if norms else None,
            iterations_per_second=len(steps) / seconds,
            tokens_per_second=tokens / seconds,
            tokens=progress.tokens,
            trained_tokens=progress.trained_tokens,
            padding=1 - tokens / sum(step.positions for step in steps),
            supervised=sum(step.trained_tokens for step in steps) / tokens,
            active_memory=mx.get_active_memory(),
            peak_memory=mx.get_peak_memory(),
            new_shapes=sum(step.new_shape for step in steps),
        )
