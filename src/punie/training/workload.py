"""What a run computes, whichever model computes it: the amounts that its time and its memory go by. Pure Python."""

from __future__ import annotations

from dataclasses import dataclass, fields

from punie.training.plan import TrainingPlan

CHUNK = 1024
"""Positions whose logits exist at a time."""


@dataclass(frozen=True, slots=True)
class Work:
    """Sums over steps, or over validation passes, which are no steps. Fractions where steps were sampled."""

    steps: float = 0
    groups: float = 0
    positions: float = 0
    """Tokens with padding."""
    last: float = 0
    """Of them, those that the last layer computes."""
    pairs: float = 0
    """Of each row of a group, its width squared: what attention goes by."""
    targets: float = 0
    """Positions whose logits are computed."""

    def __add__(self, other: Work) -> Work:
        return Work(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def __mul__(self, factor: float) -> Work:
        return Work(*(getattr(self, one.name) * factor for one in fields(self)))


@dataclass(frozen=True, slots=True)
class Widest:
    """The group that needs most memory, of those that will be computed."""

    rows: int
    width: int
    last: int
    """Of its rows x width positions, those that the last layer computes."""
    targets: int
    """Those that have logits at a time."""

    @property
    def positions(self) -> int:
        return self.rows * self.width


@dataclass(frozen=True, slots=True)
class Workload:
    """Of a whole run as its plan says, if nothing ends it early."""

    training: Work
    validation: Work
    """Of all validations together."""
    widest: Widest


def full_workload(plan: TrainingPlan) -> Workload:
    """Of rows that all fill `max_seq_length` and are learned in whole: there is none larger. No validation."""
    rows = plan.batch_size if plan.batch_tokens is None else max(1, plan.batch_tokens // plan.max_seq_length)
    width = plan.max_seq_length - 1
    positions = rows * width
    step = Work(1, 1, positions, positions, rows * width**2, positions)
    return Workload(step * plan.iters, Work(), Widest(rows, width, positions, min(CHUNK, positions)))
