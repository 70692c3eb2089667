"""How far two measures put rows into the same order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Correlation:
    """Spearman's rho over the rows that both measures have a figure for; None where one is the same for all."""

    first: str
    second: str
    rows: int
    rho: float | None


def correlate(first: str, second: str, ours: np.ndarray, theirs: np.ndarray) -> Correlation:
    """From the figures of the same rows; NaN where a row has none."""
    both = ~(np.isnan(ours) | np.isnan(theirs))
    return Correlation(first, second, int(both.sum()), spearman(ours[both], theirs[both]))


def spearman(ours: np.ndarray, theirs: np.ndarray) -> float | None:
    """Pearson's correlation of the ranks; equal figures share the mean of theirs. None where one is constant."""
    x, y = (ranks - ranks.mean() for ranks in (_ranks(ours), _ranks(theirs))) if len(ours) else (ours, theirs)
    norm = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / norm if norm else None


def _ranks(figures: np.ndarray) -> np.ndarray:
    """From 1 on."""
    _, places, counts = np.unique(figures, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[places]
