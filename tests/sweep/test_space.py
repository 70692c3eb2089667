"""Which settings a sweep has."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import TypeAdapter, ValidationError

from punie.sweep.space import Dimension, Range, Space, drawn, grid, varied

RATE = Range(low=1e-5, high=1e-3, scale="log", steps=3)


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        (RATE, (1e-5, 1e-4, 1e-3)),
        (Range(low=0.0, high=1.0, steps=5), (0.0, 0.25, 0.5, 0.75, 1.0)),
        (Range(low=4, high=64, scale="log", steps=5), (4, 8, 16, 32, 64)),
        (Range(low=1, high=3, steps=9), (1, 2, 3)),
    ],
)
def test_a_range_in_a_grid_takes_even_steps(space: Range, expected: tuple[float, ...]) -> None:
    """From end to end, whole where both ends are, and no number twice."""
    assert space.listed() == expected


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"low": 2, "high": 1}, "not above"),
        ({"low": 0, "high": 1, "scale": "log"}, "above 0"),
        ({"low": 0, "high": float("inf")}, "not above"),
        ({"low": 0, "high": 1, "step": 2}, "Extra inputs"),
        ([], "at least 1"),
    ],
)
def test_values_that_cannot_be_taken_are_refused(wrong: object, why: str) -> None:
    """Before anything is drawn."""
    with pytest.raises(ValidationError, match=why):
        TypeAdapter(Dimension).validate_python(wrong)


def test_a_grid_is_every_combination() -> None:
    """Numbered from 1, the last field changing fastest; a single value is the same everywhere."""
    train: Space = {"rank": (4, 8), "mask": ("last",)}
    settings = grid(train, {"temperature": (0.0, 0.7)})
    assert [setting.number for setting in settings] == [1, 2, 3, 4]
    found = [(one.train["rank"], one.train["mask"], one.sampling["temperature"]) for one in settings]
    assert found == [(rank, "last", heat) for rank, heat in product((4, 8), (0.0, 0.7))]
    assert varied(train) == ("rank",)


def test_draws_do_not_depend_on_each_other() -> None:
    """A setting stays what it is when more are drawn, a field is added, or the fields stand in another order."""
    rate: Space = {"learning_rate": RATE}
    both: Space = {"rank": (4, 8, 16), **rate}
    few, many = drawn(rate, {}, 3, seed=7), drawn(rate, {}, 12, seed=7)
    assert few == many[:3]
    assert [one.train["learning_rate"] for one in drawn(both, {}, 3, seed=7)] == [
        one.train["learning_rate"] for one in few
    ]
    assert drawn(rate, {}, 3, seed=8) != few
    # As drawn when this was written: whoever goes on with another Python draws the same.
    assert [one.train["learning_rate"] for one in few] == [0.000509, 0.00036, 0.000238]


@given(seed=some.integers(0, 10_000), count=some.integers(1, 12))
def test_drawn_settings_differ_and_lie_within(seed: int, count: int) -> None:
    """As many as are asked for, or as many as there are; drawn numbers have three digits at most."""
    settings = drawn({"learning_rate": RATE, "rank": (4, 8)}, {}, count, seed)
    found = [(one.train["learning_rate"], one.train["rank"]) for one in settings]
    assert len(set(found)) == count
    assert all(1e-5 <= rate <= 1e-3 and float(f"{rate:.3g}") == rate for rate, _ in found)
    assert len(drawn({"rank": (4, 8)}, {}, 5, seed)) == 2
