"""Passes over rows, each drawn from the seed and its number alone: any of them can be asked for. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import ClassVar, Protocol

import numpy as np


class Epochs(Protocol):
    """Endless passes, as indices of rows; in a `fixed` order nothing may be moved."""

    fixed: ClassVar[bool]

    def size(self, number: int) -> int:
        """How many rows a pass shows."""

    def rows(self, number: int) -> list[int]:
        """What it shows, in its order."""


@dataclass(frozen=True, slots=True)
class Given:
    """As they are given, again and again."""

    indices: Sequence[int]
    fixed: ClassVar[bool] = True

    def size(self, number: int) -> int:
        return len(self.indices)

    def rows(self, number: int) -> list[int]:
        return list(self.indices)


@dataclass(frozen=True, slots=True)
class Shuffled:
    """Anew in every pass. A row may be among the indices several times."""

    indices: Sequence[int] | np.ndarray
    seed: int
    fixed: ClassVar[bool] = False

    def size(self, number: int) -> int:
        return len(self.indices)

    def rows(self, number: int) -> list[int]:
        order = np.random.default_rng([self.seed, number]).permutation(len(self.indices))
        return np.asarray(self.indices)[order].tolist()


@dataclass(frozen=True, slots=True)
class Replayed:
    """A pass over `new` rows, with the share `share` of what it shows taken from `old` ones, evenly spread.

    The old rows are passed through at a pace of their own: none comes again before all others of them came.
    """

    new: Shuffled
    old: Shuffled
    share: float
    fixed: ClassVar[bool] = False

    def size(self, number: int) -> int:
        return self.new.size(number) + self._replayed(number + 1) - self._replayed(number)

    def rows(self, number: int) -> list[int]:
        fresh = self.new.rows(number)
        first, last = self._replayed(number), self._replayed(number + 1)
        repeated = self._old_rows(first, last)
        turns = [(np.arange(len(rows)) + 0.5) / max(1, len(rows)) for rows in (fresh, repeated)]
        return np.asarray(fresh + repeated)[np.argsort(np.concatenate(turns), kind="stable")].tolist()

    def _replayed(self, passes: int) -> int:
        """Old rows shown in so many passes."""
        return floor(passes * len(self.new.indices) * self.share / (1 - self.share) + 1e-9)

    def _old_rows(self, first: int, last: int) -> list[int]:
        number, place = divmod(first, len(self.old.indices))
        drawn = list[int]()
        while len(drawn) < place + last - first:
            drawn += self.old.rows(number)
            number += 1
        return drawn[place : place + last - first]


@dataclass(frozen=True, slots=True)
class Growing:
    """Rows from the easiest to the hardest; a step draws from the easiest of them, more and more.

    The share is the competence c(t) = min(1, (t (1 - c0^p) / T + c0^p)^(1/p)) of Platanios et al. 2019, with c0 =
    `start`, p = `power` and T = `steps`.
    """

    sorted_rows: Sequence[int]
    start: float
    power: float
    steps: int
    seed: int

    def competence(self, step: int) -> float:
        base = self.start**self.power
        return min(1.0, (step * (1 - base) / self.steps + base) ** (1 / self.power))

    def draw(self, step: int, least: int) -> list[int]:
        """The rows that a step may have, in random order: `least` of them even where the share has fewer."""
        known = max(least, ceil(round(self.competence(step) * len(self.sorted_rows), 9)))
        rows = np.asarray(self.sorted_rows[:known])
        return np.random.default_rng([self.seed, step]).permutation(rows).tolist()
