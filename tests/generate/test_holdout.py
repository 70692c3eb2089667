"""The split between what is taught and what is asked."""

from __future__ import annotations

from punie.generate.holdout import ONE_IN, is_held_out


def test_one_in_eight_is_held_out() -> None:
    """The share is what the model's card says."""
    share = sum(is_held_out("content", number) for number in range(8000)) / 8000
    assert ONE_IN == 8
    assert abs(share - 1 / 8) < 0.02


def test_the_split_stays_where_it_is() -> None:
    """A model that was trained before this version is asked about nothing that it was taught."""
    held_out = [number for number in range(40) if is_held_out("add", number, None)]
    assert held_out == [4, 6, 7, 8, 10, 16, 35]
