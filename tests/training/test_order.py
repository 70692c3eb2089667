"""The order: every row its turn, a place that can be found again, budgets that are filled and not exceeded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from punie.curriculum.epochs import Epochs, Given, Shuffled
from punie.training.batches import TokenRow
from punie.training.batching import RowsPerStep, TokensPerStep
from punie.training.order import budget_order, counted_order, like_length_order, validation_order

SIZES = st.integers(1, 30)
WIDTHS = st.lists(st.integers(1, 64), min_size=1, max_size=60)


@given(rows=SIZES, batch_size=SIZES, seed=st.integers(0, 2**40), first=st.integers(0, 50))
def test_a_resumed_order_goes_on_where_it_stopped(rows: int, batch_size: int, seed: int, first: int) -> None:
    """The order from batch k on is the whole order without its first k batches."""
    epochs = Shuffled(range(rows), seed)
    whole = list(islice(counted_order(epochs, batch_size), first + 3))
    assert list(islice(counted_order(epochs, batch_size, first), 3)) == whole[first:]


@given(rows=SIZES, batch_size=SIZES, seed=st.integers(0, 99))
def test_every_row_has_its_turn(rows: int, batch_size: int, seed: int) -> None:
    """After as many batches as there are rows, each row was seen equally often: none waits for a batch to fill."""
    order = islice(counted_order(Shuffled(range(rows), seed), batch_size), rows)
    assert set(Counter(index for batch in order for index in batch).values()) == {batch_size}


def test_seeds_and_epochs_give_different_orders() -> None:
    """The seed reaches the shuffle, and an epoch is not the one before."""
    orders = [list(islice(counted_order(Shuffled(range(50), seed), 50), 2)) for seed in (0, 1)]
    assert len({tuple(epoch) for order in orders for epoch in order}) == 4


def epoch_of(steps: Iterator[list[int]], rows: int) -> list[list[int]]:
    """The steps of the next epoch, in an order whose steps do not cross epochs."""
    taken = list[list[int]]()
    while sum(map(len, taken)) < rows:
        taken.append(next(steps))
    return taken


@given(widths=WIDTHS, budget=st.integers(64, 400), seed=st.integers(0, 99))
def test_a_budget_takes_every_row_once_an_epoch(widths: list[int], budget: int, seed: int) -> None:
    """No step exceeds the budget, none is smaller than it must be but the last, and no row is left out."""
    steps = like_length_order(widths, budget, Shuffled(range(len(widths)), seed), seed)
    for _ in range(2):
        epoch = epoch_of(steps, len(widths))
        assert sorted(chain.from_iterable(epoch)) == list(range(len(widths)))
        widest = [max(widths[row] for row in step) for step in epoch]
        assert all(len(step) <= budget // wide for step, wide in zip(epoch, widest, strict=True))
        assert all(len(step) == budget // wide for step, wide in zip(epoch[:-1], widest[:-1], strict=True))


def test_rows_of_like_length_meet_other_rows_in_every_epoch() -> None:
    """Skewed lengths are padded by less than a tenth, and hardly a step is one of the epoch before."""
    draw = np.random.default_rng(0)
    widths = (32 * np.ceil(draw.lognormal(4.8, 1.0, 4000).clip(2, 1024) / 32)).astype(int).tolist()
    steps = like_length_order(widths, 4096, Shuffled(range(len(widths)), 0), 0)
    first, second = (epoch_of(steps, len(widths)) for _ in range(2))
    padded = sum(len(step) * max(widths[row] for row in step) for step in first)
    assert sum(widths) / padded > 0.9
    assert len({frozenset(step) for step in first} & {frozenset(step) for step in second}) < len(first) / 20


@given(costs=WIDTHS, budget=st.integers(10, 200))
def test_a_budget_keeps_a_given_order(costs: list[int], budget: int) -> None:
    """The rows arrive as they were given; a step could not have taken one more of them."""
    rows = list(range(len(costs)))[::-1]
    epoch = epoch_of(budget_order(costs, budget, Given(rows)), len(rows))
    assert list(chain.from_iterable(epoch)) == rows
    for step, after in pairwise(epoch):
        spent = sum(costs[row] for row in step)
        assert spent <= budget or len(step) == 1
        assert spent + costs[after[0]] > budget


def test_a_given_order_begins_again_after_its_end() -> None:
    """Rows may be few, in any order, and come twice."""
    steps = counted_order(Given([4, 2, 2, 9, 0]), batch_size=2)
    assert list(islice(steps, 4)) == [[4, 2], [2, 9], [0, 4], [2, 2]]


GIVEN = np.random.default_rng(1).permutation(40).tolist()
ROWS = [TokenRow(range(5 + 7 * (number % 9)), ((1, 5),)) for number in range(40)]
WAYS = [
    way(size, 128, packing)
    for way, size in ((RowsPerStep, 6), (TokensPerStep, 256))
    for packing in (False, True, "stream")
]
ORDERS = [Shuffled(range(40), 3), Given(GIVEN)]


def name(value: object) -> str:
    return f"{type(value).__name__}-{getattr(value, 'packing', '')}"


@pytest.mark.parametrize("epochs", ORDERS, ids=name)
@pytest.mark.parametrize("way", WAYS, ids=name)
def test_every_way_goes_on_where_it_stopped(way: RowsPerStep | TokensPerStep, epochs: Epochs) -> None:
    """From any step on, the order is that of a run that was never stopped."""
    whole = list(islice(way.order(ROWS, epochs, 3), 40))
    for first in (1, 7, 23):
        assert list(islice(way.order(ROWS, epochs, 3, first), 40 - first)) == whole[first:]


@pytest.mark.parametrize("epochs", ORDERS, ids=name)
@pytest.mark.parametrize("way", WAYS, ids=name)
def test_every_way_learns_what_was_drawn_and_nothing_else(way: RowsPerStep | TokensPerStep, epochs: Epochs) -> None:
    """In packs or in groups, step by step: as many learned tokens as the step's rows have; given rows come as given."""
    steps = list(islice(way.order(ROWS, epochs, 3), 12))
    for step in steps:
        groups = way.groups([ROWS[row] for row in step])
        assert sum(len(group.targets) for group in groups) == 4 * len(step)
    if epochs.fixed:
        drawn = list(chain.from_iterable(steps))
        assert drawn == (GIVEN * 3)[: len(drawn)]


@pytest.mark.parametrize("way", WAYS, ids=name)
def test_every_way_validates_on_the_first_rows(way: RowsPerStep | TokensPerStep) -> None:
    """Asked for all, each row is there once; asked for one batch, no more than a batch."""
    assert sum(len(group.targets) for group in way.validation(ROWS, -1)) == 4 * len(ROWS)
    first = list(way.validation(ROWS, 1))
    assert 0 < sum(len(group.targets) for group in first) <= 4 * (6 if isinstance(way, RowsPerStep) else 8)


def test_a_budget_bounds_the_shapes() -> None:
    """Every step is one group of a full shape, as many shapes as widths, but for the last of an epoch."""
    draw = np.random.default_rng(0)
    rows = [TokenRow(range(n), ((1, n),)) for n in draw.lognormal(4.8, 1.0, 600).astype(int).clip(2, 1024).tolist()]
    way = TokensPerStep(4096, 1024)
    groups = [
        way.groups([rows[index] for index in step])
        for step in epoch_of(way.order(rows, Shuffled(range(600), 0), 0), len(rows))
    ]
    shapes = {group.inputs.shape for (group,) in groups[:-1]}
    assert len(shapes) == len({width for _, width in shapes}) <= 33
    assert all(4096 - width <= height * (width + 1) <= 4096 for height, width in shapes)


def test_validation_rows_are_drawn_once_by_a_stream_of_their_own() -> None:
    """The same rows for the same seed, not the first of the file, and not those that any epoch or stage begins with."""
    drawn = validation_order(200, 7)
    assert sorted(drawn) == list(range(200))
    assert drawn == validation_order(200, 7) != validation_order(200, 8)
    epochs = [next(counted_order(Shuffled(range(200), 7), 200, first)) for first in range(5)]
    assert all(drawn[:20] != other[:20] for other in [list(range(200)), *epochs])


def test_a_tiny_tail_of_a_pack_waits_for_no_one() -> None:
    """Fewer rows than a step has room for are one step, epoch after epoch."""
    assert Counter(map(len, islice(TokensPerStep(4096, 128, packing=True).order(ROWS, ORDERS[0], 0), 3))) == Counter(
        {40: 3}
    )
