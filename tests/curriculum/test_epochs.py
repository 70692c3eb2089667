"""Passes over rows: every row as often as it is said, whichever pass one asks for."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from punie.curriculum.epochs import Given, Growing, Replayed, Shuffled

COUNTS, SEEDS = st.integers(1, 40), st.integers(0, 2**40)


@given(indices=st.lists(st.integers(0, 9), min_size=1), seed=SEEDS, number=st.integers(0, 1000))
def test_a_pass_shows_every_row_as_often_as_it_is_listed(indices: list[int], seed: int, number: int) -> None:
    """Given or shuffled, at any number, and the same when it is asked for again."""
    for epochs in (Given(indices), Shuffled(indices, seed)):
        rows = epochs.rows(number)
        assert Counter(rows) == Counter(indices)
        assert len(rows) == epochs.size(number)
        assert epochs.rows(number) == rows


@given(new=COUNTS, old=COUNTS, share=st.floats(0.01, 0.95), passes=st.integers(1, 12), seed=SEEDS)
def test_replayed_rows_are_their_share_and_take_turns(new: int, old: int, share: float, passes: int, seed: int) -> None:
    """New rows come once a pass; old ones are the stated share of all, up to one row, and none is two turns ahead."""
    epochs = Replayed(Shuffled(range(new), seed), Shuffled(range(100, 100 + old), seed), share)
    drawn = [epochs.rows(number) for number in range(passes)]
    assert [len(rows) for rows in drawn] == [epochs.size(number) for number in range(passes)]
    assert all(sorted(row for row in rows if row < 100) == list(range(new)) for rows in drawn)
    replayed = Counter(row for row in chain(*drawn) if row >= 100)
    assert replayed.total() == floor(passes * new * share / (1 - share) + 1e-9)
    turns = [replayed[row] for row in range(100, 100 + old)]
    assert max(turns) - min(turns) <= 1


def test_replayed_rows_are_spread_evenly() -> None:
    """Half of every four that come one after the other, where half of all are replayed."""
    rows = Replayed(Shuffled(range(32), 1), Shuffled(range(100, 108), 2), 0.5).rows(3)
    assert {sum(row >= 100 for row in rows[begin : begin + 4]) for begin in range(0, 64, 4)} == {2}


@pytest.mark.parametrize(("power", "half_way"), [(1, 0.55), (2, 0.7106), (3, 0.7940)])
def test_competence_is_that_of_the_paper(power: float, half_way: float) -> None:
    """From the first share to all rows: at the power's own pace, and never beyond."""
    growing = Growing(range(100), 0.1, power, 50, 0)
    assert [growing.competence(step) for step in (0, 25, 50, 80)] == pytest.approx([0.1, half_way, 1, 1], abs=1e-4)


@given(start=st.floats(0.01, 0.9), steps=COUNTS, step=st.integers(0, 60), least=st.integers(1, 30), seed=SEEDS)
def test_growing_draws_from_the_easy_end_alone(start: float, steps: int, step: int, least: int, seed: int) -> None:
    """Each of the rows that the share has, once, and at least as many as a step needs."""
    growing = Growing(range(50), start, 2.0, steps, seed)
    drawn = growing.draw(step, least)
    assert sorted(drawn) == list(range(len(drawn)))
    assert len(drawn) >= max(least, floor(growing.competence(step) * 50))
    assert growing.draw(step, least) == drawn
