"""Rank correlation."""

from __future__ import annotations

import numpy as np
import pytest

from punie.curriculum.correlation import correlate, spearman

NONE = float("nan")


@pytest.mark.parametrize(
    ("ours", "theirs", "rho"),
    [
        ([1, 2, 3], [10, 20, 30], 1.0),
        ([1, 2, 3], [3, 2, 1], -1.0),
        ([1, 2, 3, 4, 5], [2, 1, 4, 3, 5], 1 - 6 * 4 / (5 * 24)),
        ([1, 2, 2, 3], [1, 2, 3, 4], 4.5 / (4.5 * 5) ** 0.5),
        ([1, 1, 2, 2], [1, 2, 1, 2], 0.0),
        ([1, 1, 1], [1, 2, 3], None),
        ([1], [1], None),
        ([], [], None),
    ],
)
def test_spearman_as_by_hand(ours: list[float], theirs: list[float], rho: float | None) -> None:
    """Without ties 1 - 6 sum d^2 / (n (n^2 - 1)); with ties Pearson's correlation of mean ranks."""
    found = spearman(np.array(ours, float), np.array(theirs, float))
    assert found == (None if rho is None else pytest.approx(rho, abs=1e-12))


def test_only_order_counts() -> None:
    """Any growing function of the figures leaves rho as it is; measures that are swapped agree."""
    rng = np.random.default_rng(1)
    ours, theirs = rng.integers(0, 9, 200).astype(float), rng.normal(size=200)
    assert spearman(np.exp(ours), theirs**3) == pytest.approx(spearman(ours, theirs))
    assert spearman(theirs, ours) == pytest.approx(spearman(ours, theirs))


def test_rows_without_a_figure_are_left_out() -> None:
    """Of either measure; and the count says how many are left."""
    found = correlate("a", "b", np.array([1.0, NONE, 2.0, 3.0]), np.array([1.0, 2.0, NONE, 3.0]))
    assert (found.rows, found.rho) == (2, 1.0)


def test_scipy_says_the_same() -> None:
    """Where it is installed, on figures with many ties."""
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(2)
    for _ in range(50):
        ours, theirs = rng.integers(0, 5, (2, 30)).astype(float)
        assert spearman(ours, theirs) == pytest.approx(stats.spearmanr(ours, theirs).statistic)
