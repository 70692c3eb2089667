"""Draws that are the same on every version of Python."""

from __future__ import annotations

import string
from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Draws by `random()` alone: its sequence is the only one that Python promises to keep in later versions."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed).random

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self._random() * len(choices))]

    def count(self, low: int, high: int) -> int:
        """Both ends included."""
        return low + int(self._random() * (high - low + 1))

    def coin(self) -> bool:
        return self.chance(0.5)

    def chance(self, share: float) -> bool:
        """True in this share of all draws, 0..1."""
        return self._random() < share

    def names(self, count: int) -> list[str]:
        """Different letters."""
        return self.some(string.ascii_lowercase, count)

    def some(self, choices: Sequence[T], count: int) -> list[T]:
        """Different places of a sequence, in random order; all of them where it has no more than `count`."""
        left = list(choices)
        return [left.pop(self.count(0, len(left) - 1)) for _ in range(min(count, len(left)))]
