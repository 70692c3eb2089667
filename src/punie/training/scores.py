"""How a checkpoint did on a suite while its training went on: counts, and why there are none where there are none."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """Of the answers to the dev half of a suite. A scoring that broke has counted nothing and says why in `failure`."""

    iteration: int
    suite: str
    suite_hash: str
    """Over the cases that were asked."""
    right: int = 0
    counted: int = 0
    """Answers in the denominator; `unscored` ones, which our own harness broke, are not."""
    unscored: int = 0
    low: float = 0.0
    high: float = 1.0
    """The 95 % interval of the share that is right."""
    written: int = 0
    """Answers that were to be code or tool calls; `parsable` of them could be read as such."""
    parsable: int = 0
    answers: int = 0
    degenerate: int = 0
    """Answers without a word, or half of which say one thing over and over."""
    seconds: float = 0.0
    """From the start of the server to the last judgement."""
    failure: str = ""

    @property
    def share(self) -> float:
        """0..1, or NaN where nothing was counted."""
        return self.right / self.counted if self.counted else math.nan


Scorer = Callable[[int], Score]
"""Asks the candidate of a run, at this iteration of it. What goes wrong stands in the score; Ctrl-C raises."""
