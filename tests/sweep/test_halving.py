"""How many settings are trained for how long."""

from __future__ import annotations

import pytest

from punie.sweep.halving import Rung, rungs


@pytest.mark.parametrize(
    ("settings", "first", "last", "factor", "expected"),
    [
        (9, 10, 90, 3, [(9, 10), (3, 30), (1, 90)]),
        (16, 25, 200, 2, [(16, 25), (8, 50), (4, 100), (2, 200)]),
        (8, 30, 100, 3, [(8, 33), (2, 100)]),
        (3, 10, 160, 4, [(3, 10), (1, 40), (1, 160)]),
        (4, 0.5, 2.0, 2, [(4, 0.5), (2, 1.0), (1, 2.0)]),
        (5, 100, 299, 3, [(5, 299)]),
    ],
)
def test_each_rung_has_fewer_settings_for_longer(
    settings: int, first: float, last: float, factor: int, expected: list[tuple[int, float]]
) -> None:
    """The last rung has the full length; whole lengths stay whole; a rung is never empty."""
    assert rungs(settings, first, last, factor) == tuple(Rung(n, *pair) for n, pair in enumerate(expected))
