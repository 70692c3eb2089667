"""Which steps are measured to learn what a plan's steps cost: a few that differ in one thing each."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from punie.training.plan import TrainingPlan
from punie.training.workload import full_workload

_ANSWERED = 0.5
"""Of the tokens of a mixed step, the share that is learned; of the others all are."""


class Cell(msgspec.Struct, frozen=True):
    """One kind of step: rows of so many tokens, of each of which the last `learned` share carries loss."""

    lengths: tuple[int, ...]
    learned: float
    num_layers: int
    grad_checkpoint: bool

    @property
    def batch_size(self) -> int:
        return len(self.lengths)


def grid(plan: TrainingPlan, layers: int) -> list[Cell]:
    """The plan's largest step first, then steps that are shorter, narrower, mixed, with fewer layers that learn, and
    with or without checkpointing. `layers`: how many the model has."""
    learning = layers if plan.num_layers == -1 else plan.num_layers
    rows = full_workload(plan).widest.rows
    cells = _cells(rows, plan.max_seq_length, learning, max(1, learning // 3), plan.grad_checkpoint)
    return list(dict.fromkeys(cells))


def _cells(rows: int, length: int, learning: int, fewer: int, checkpoint: bool) -> Iterator[Cell]:
    quarter, half = max(2, length // 4), max(2, length // 2)
    yield Cell((length,) * rows, 1.0, learning, checkpoint)
    yield Cell((quarter,) * rows, 1.0, learning, checkpoint)
    yield Cell((half,), 1.0, learning, checkpoint)
    yield Cell((quarter, half, length, max(2, length // 8)), _ANSWERED, learning, checkpoint)
    yield Cell((half,) * rows, 1.0, fewer, checkpoint)
    yield Cell((half,) * rows, 1.0, learning, not checkpoint)
