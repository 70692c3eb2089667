"""Batches: every row its turn, padding without targets, and a place that can be found again."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from punie.training.batches import WINDOW, TokenRow, make_batch, training_order, validation_batches

SIZES = st.integers(1, 30)


LENGTHS = st.lists(st.integers(1, 500), min_size=1, max_size=30)


@given(lengths=LENGTHS, batch_size=SIZES, seed=st.integers(0, 2**40), first=st.integers(0, 50))
def test_a_resumed_order_goes_on_where_it_stopped(lengths: list[int], batch_size: int, seed: int, first: int) -> None:
    """The order from batch k on is the whole order without its first k batches."""
    whole = list(islice(training_order(lengths, batch_size, seed), first + 3))
    assert list(islice(training_order(lengths, batch_size, seed, first), 3)) == whole[first:]


@given(lengths=LENGTHS, batch_size=SIZES, seed=st.integers(0, 99))
def test_every_row_has_its_turn(lengths: list[int], batch_size: int, seed: int) -> None:
    """After as many windows as there are rows, each row was seen equally often: none waits for a batch to fill."""
    order = islice(training_order(lengths, batch_size, seed), WINDOW * len(lengths))
    assert set(Counter(index for batch in order for index in batch).values()) == {WINDOW * batch_size}


def test_seeds_and_epochs_give_different_orders() -> None:
    """The seed reaches the shuffle, and an epoch is not the one before."""
    orders = [list(islice(training_order([1] * 50, 50, seed), 2)) for seed in (0, 1)]
    assert len({tuple(epoch) for order in orders for epoch in order}) == 4


def test_rows_of_like_length_share_a_batch() -> None:
    """Of skewed lengths most of what a random order pads away is saved, and batches still come short and long mixed."""
    lengths = np.random.default_rng(0).lognormal(4.8, 1.0, 512).astype(int).clip(1, 1024)

    def padded(batches: list[list[int]]) -> int:
        return sum(len(batch) * max(lengths[index] for index in batch) for batch in batches)

    grouped = list(islice(training_order(lengths.tolist(), 16, seed=0), 32))
    rows = np.random.default_rng(0).permutation(512).reshape(32, 16).tolist()
    assert padded(grouped) < 0.5 * padded(rows)
    widths = [max(lengths[index] for index in batch) for batch in grouped]
    assert widths != sorted(widths)


def test_a_batch_is_padded_and_cut() -> None:
    """Rows keep their tokens up to the limit; the width is one more than a multiple of 32, or the limit."""
    rows = [TokenRow(range(1, 41), 3), TokenRow([9, 8], 0)]
    batch = make_batch(rows, max_seq_length=100)
    assert batch.tokens.shape == (2, 65)
    assert batch.tokens[0, :40].tolist() == list(range(1, 41))
    assert not batch.tokens[0, 40:].any()
    assert batch.count == 42
    assert make_batch(rows, max_seq_length=20).tokens.shape == (2, 20)


def test_mlx_lm_counts_exactly_the_tokens_after_the_prompt() -> None:
    """Under mlx-lm's own loss no target lies in the prompt or in the padding."""
    import mlx.core as mx
    from mlx_lm.tuner.trainer import default_loss

    rows = [TokenRow(range(1, 41), 3), TokenRow([9, 8, 7], 0), TokenRow(range(1, 90), 60)]
    batch = make_batch(rows, max_seq_length=64)

    def model(tokens: mx.array) -> mx.array:
        return mx.zeros((*tokens.shape, 100))

    _, targets = default_loss(model, mx.array(batch.tokens), mx.array(batch.spans))
    assert targets.item() == sum(row.supervised(64) for row in rows) == 37 + 2 + 4


def test_validation_sees_every_row_once_in_order() -> None:
    """The set need not fill its last batch, or even its first."""
    rows = [TokenRow([number, number], 0) for number in range(1, 6)]
    batches = list(validation_batches(rows, 2, 64))
    assert [len(batch.tokens) for batch in batches] == [2, 2, 1]
    assert np.concatenate([batch.tokens[:, 0] for batch in batches]).tolist() == [1, 2, 3, 4, 5]
