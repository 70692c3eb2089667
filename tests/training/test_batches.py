"""Batches: every row in one group, padding without targets, as few shapes as there are widths."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, islice, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from punie.curriculum.epochs import Shuffled
from punie.data.cuts import GROUP_TOKENS, PAD_TO, cut, pack, width
from punie.training.batches import Group, TokenRow, make_batch, make_groups, make_packs, make_stream, slices
from punie.training.order import counted_order

LENGTHS = st.lists(st.integers(2, 500), min_size=1, max_size=7)


@given(lengths=LENGTHS, limit=st.sampled_from([500, 1024]))
def test_a_batch_is_cut_as_cheaply_as_it_can_be(lengths: list[int], limit: int) -> None:
    """Every row is in one group, and no way to cut the sorted rows pads less for its number of groups."""

    def cost(groups: list[list[int]]) -> int:
        return sum(len(g) * width(max(lengths[i] for i in g), limit) + GROUP_TOKENS for g in groups)

    groups = cut(lengths, limit)
    assert sorted(index for group in groups for index in group) == list(range(len(lengths)))
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    ways = [[0, *ends, len(order)] for k in range(len(order)) for ends in combinations(range(1, len(order)), k)]
    assert cost(groups) == min(cost([order[a:b] for a, b in pairwise(way)]) for way in ways)


def test_cutting_saves_most_of_what_random_batches_pad() -> None:
    """Of skewed lengths two thirds of a random batch of 16 is padding; of its groups less than a fifth."""
    lengths = np.random.default_rng(0).lognormal(4.8, 1.0, 512).astype(int).clip(2, 1024).tolist()
    rows = [TokenRow(range(length), ((0, length),)) for length in lengths]
    batches = [[rows[index] for index in batch] for batch in islice(counted_order(Shuffled(range(512), 0), 16), 32)]
    blocks = sum(make_batch(batch, 1024).tokens.size for batch in batches)
    groups = sum(group.inputs.size for batch in batches for group in make_groups(batch, 1024))
    assert sum(lengths) / blocks < 1 / 3
    assert sum(lengths) / groups > 0.8


@given(limit=st.integers(2, 1 << 17))
def test_there_are_few_widths(limit: int) -> None:
    """However long rows may be, their widths are few, wide enough, and little wider than needed."""
    lengths = np.unique(np.linspace(2, limit, 3000).astype(int)).tolist()
    widths = [width(length, limit) for length in lengths]
    assert len(set(widths)) <= 17 + 8 * max(0.0, np.log2(limit / 256))
    assert all(length <= wide <= limit for length, wide in zip(lengths, widths, strict=True))
    assert all(wide - length < max(PAD_TO, length / 8) for length, wide in zip(lengths, widths, strict=True))


@given(lengths=st.lists(st.integers(1, 60), max_size=20))
def test_packs_hold_every_row_and_never_too_much(lengths: list[int]) -> None:
    """Each row is in one pack, and two packs that fit into one were made into one."""
    packs = pack(lengths, 60)
    sums = sorted(sum(lengths[row] for row in rows) for rows in packs)
    assert sorted(row for rows in packs for row in rows) == list(range(len(lengths)))
    assert not sums or sums[-1] <= 60
    assert len(sums) < 2 or sums[0] + sums[1] > 60


@pytest.mark.parametrize("arrange", [make_groups, make_packs])
@given(
    rows=st.lists(
        st.tuples(st.integers(2, 90), st.lists(st.integers(0, 90), min_size=2, max_size=6, unique=True)),
        min_size=1,
        max_size=6,
    ),
    limit=st.integers(8, 100),
)
def test_groups_teach_every_learned_token_once(
    rows: list[tuple[int, list[int]]], limit: int, arrange: Callable[..., list[Group]]
) -> None:
    """What stands at the places is what precedes the targets; nothing masked, cut off or padded is a target."""
    made = []
    for number, (length, marks) in enumerate(rows):
        ends = sorted(mark for mark in marks if mark <= length)
        made.append(TokenRow(range(1000 * number, 1000 * number + length), tuple(pairwise(ends))[::2]))
    groups = arrange(made, limit)
    before = np.concatenate([group.inputs.reshape(-1)[group.places] for group in groups])
    targets = np.concatenate([group.targets for group in groups])
    assert (before + 1 == targets).all()
    learned = [
        1000 * number + at
        for number, row in enumerate(made)
        for start, end in row.spans
        for at in range(max(start, 1), min(end, limit, len(row.tokens)))
    ]
    assert sorted(targets.tolist()) == learned


@given(lengths=st.lists(st.integers(2, 40), min_size=1, max_size=6), piece=st.integers(4, 50))
def test_a_stream_teaches_every_token_but_its_first(lengths: list[int], piece: int) -> None:
    """Rows follow each other in pieces of one length; what stands before a target is the token before it."""
    rows = [TokenRow(range(100 * n, 100 * n + length), ((0, length),)) for n, length in enumerate(lengths, start=1)]
    text = [token for row in rows for token in row.tokens]
    group = make_stream(rows, piece)
    assert group.inputs.reshape(-1)[: len(text) - 1].tolist() == text[:-1]
    assert group.inputs.shape[1] == min(piece, len(text) - 1)
    assert group.targets.tolist() == text[1:]
    assert group.inputs.reshape(-1)[group.places].tolist() == text[:-1]
    assert (group.rows, group.tokens) == (len(rows), len(text))


def test_a_stream_teaches_no_more_than_the_spans() -> None:
    """A mask holds in a stream, also where a span begins a row."""
    rows = [TokenRow([1, 2, 3, 4], ((2, 4),)), TokenRow([5, 6, 7], ((0, 1), (2, 3)))]
    assert make_stream(rows, 3).targets.tolist() == [3, 4, 5, 7]


def test_a_batch_is_padded_and_cut() -> None:
    """Rows keep their tokens up to the limit; the width is one more than a multiple of 32, or the limit."""
    rows = [TokenRow(range(1, 41), ((3, 40),)), TokenRow([9, 8], ((0, 2),))]
    batch = make_batch(rows, max_seq_length=100)
    assert batch.tokens.shape == (2, 65)
    assert batch.tokens[0, :40].tolist() == list(range(1, 41))
    assert not batch.tokens[0, 40:].any()
    assert make_batch(rows, max_seq_length=20).tokens.shape == (2, 20)


def test_mlx_lm_counts_exactly_the_tokens_after_the_prompt() -> None:
    """Under mlx-lm's own loss no target lies in the prompt or in the padding."""
    import mlx.core as mx
    from mlx_lm.tuner.trainer import default_loss

    rows = [TokenRow(range(1, 41), ((3, 40),)), TokenRow([9, 8, 7], ((0, 3),)), TokenRow(range(1, 90), ((60, 89),))]
    batch = make_batch(rows, max_seq_length=64)

    def model(tokens: mx.array) -> mx.array:
        return mx.zeros((*tokens.shape, 100))

    _, targets = default_loss(model, mx.array(batch.tokens), mx.array(batch.spans))
    assert targets.item() == sum(row.learned(64).size for row in rows) == 37 + 2 + 4


def test_validation_sees_every_row_once_in_order() -> None:
    """The set need not fill its last batch, or even its first."""
    rows = [TokenRow([number, number], ((0, 2),)) for number in range(1, 6)]
    assert [len(batch) for batch in slices(rows, 2)] == [2, 2, 1]
    assert [row for batch in slices(rows, 2) for row in batch] == rows
