"""From measured steps to what every column costs, and how far such a fit may be off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_BELIEF = 0.02
"""A measurement that is missed by 2 % weighs as much as a prior that is missed by 100 %."""

_LEAST_SPREAD = 0.05
"""No fit is trusted to be better than this."""


@dataclass(frozen=True, slots=True)
class Fit:
    """`costs` of the columns; `spread`: root mean square of the relative error on a cell that was left out."""

    costs: np.ndarray
    spread: float

    def of(self, columns: np.ndarray) -> float:
        return float(columns @ self.costs)


def fit(columns: np.ndarray, measured: np.ndarray, prior: np.ndarray) -> Fit:
    """Least squares of relative errors, no cost below zero, each drawn towards its prior.

    `columns`: cells x columns; `measured`: cells; `prior`: columns. With fewer than three cells the spread is told as
    a half: it is not known.
    """
    cells = len(measured)
    errors = [_left_out(columns, measured, prior, cell) for cell in range(cells)] if cells > 2 else [0.5]
    return Fit(_costs(columns, measured, prior), max(_LEAST_SPREAD, float(np.sqrt(np.mean(np.square(errors))))))


def _left_out(columns: np.ndarray, measured: np.ndarray, prior: np.ndarray, cell: int) -> float:
    others = np.arange(len(measured)) != cell
    found = columns[cell] @ _costs(columns[others], measured[others], prior)
    return float(found / measured[cell] - 1)


def _costs(columns: np.ndarray, measured: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Columns whose cost would be negative are taken out, the worst first, until there is none."""
    rows = np.vstack([columns * prior / measured[:, None], _BELIEF * np.eye(len(prior))])
    wanted = np.concatenate([np.ones(len(measured)), np.full(len(prior), _BELIEF)])
    left = list(range(len(prior)))
    factors = np.zeros(len(prior))
    while left:
        found, *_ = np.linalg.lstsq(rows[:, left], wanted, rcond=None)
        if found.min() >= 0:
            factors[left] = found
            break
        del left[int(np.argmin(found))]
    return factors * prior


def rate_prior(columns: np.ndarray, measured: np.ndarray, plain: int) -> np.ndarray:
    """For time: every multiplication costs what it does on average where nothing else is counted.

    The first `plain` columns are no multiplications; the prior of each is 3 % of the shortest measurement.
    """
    pace = float(np.median(measured / columns[:, plain:].sum(axis=1)))
    ours: Sequence[float] = [0.03 * float(measured.min())] * plain + [pace] * (columns.shape[1] - plain)
    return np.array(ours)
