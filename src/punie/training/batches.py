"""Which rows meet in which batch, and what a batch looks like. Pure numpy.

Differs from mlx-lm's own batches where those are at fault (mlx-lm issues 596, 1029, 961, 1697): rows are drawn anew in
every epoch, none is left out because a batch did not fill, the padding after a row is not a target, and validation
neither draws from the stream that orders the training rows nor changes its own choice from one time to the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from punie.data.cuts import PAD_TO, cut, width


@dataclass(frozen=True, slots=True)
class TokenRow:
    """Token ids, and the spans of them that are learned: first and one past the last, rising."""

    tokens: Sequence[int]
    spans: tuple[tuple[int, int], ...]

    def learned(self, max_seq_length: int) -> np.ndarray:
        """Indices of the tokens that carry loss once the row is cut; the first token is never predicted."""
        inside = [np.arange(max(start, 1), min(end, max_seq_length)) for start, end in self.spans]
        return np.concatenate(inside) if inside else np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of like length, computed together. `inputs`: int32, rows x width, padded with 0.

    `places` are the positions in the flattened inputs at which a token is learned, `targets` those tokens.
    """

    inputs: np.ndarray
    places: np.ndarray
    targets: np.ndarray


@dataclass(frozen=True, slots=True)
class Batch:
    """As mlx-lm has it. `tokens`: int32, rows x width, padded with 0. `spans`: first and last target of each row."""

    tokens: np.ndarray
    spans: np.ndarray


def make_group(rows: Sequence[TokenRow], max_seq_length: int) -> Group:
    lengths = clipped(rows, max_seq_length)
    inputs = np.zeros((len(rows), width(max(lengths), max_seq_length) - 1), np.int32)
    for line, row, length in zip(inputs, rows, lengths, strict=True):
        line[: length - 1] = row.tokens[: length - 1]
    learned = [row.learned(max_seq_length) for row in rows]
    places = [inputs.shape[1] * number + indices - 1 for number, indices in enumerate(learned)]
    targets = [np.asarray(row.tokens)[indices] for row, indices in zip(rows, learned, strict=True)]
    return Group(inputs, np.concatenate(places).astype(np.int32), np.concatenate(targets).astype(np.int32))


def make_groups(rows: Sequence[TokenRow], max_seq_length: int) -> list[Group]:
    """One batch, cut into groups; each row in one of them, each learned token once."""
    groups = cut(clipped(rows, max_seq_length), max_seq_length)
    return [make_group([rows[index] for index in group], max_seq_length) for group in groups]


def make_batch(rows: Sequence[TokenRow], max_seq_length: int) -> Batch:
    """One padded block of rows with a single span each, one more than a multiple of 32 wide, as mlx-lm pads."""
    lengths = clipped(rows, max_seq_length)
    wide = min(1 + PAD_TO * -(-max(lengths) // PAD_TO), max_seq_length)
    tokens = np.zeros((len(rows), wide), np.int32)
    for line, row, length in zip(tokens, rows, lengths, strict=True):
        line[:length] = row.tokens[:length]
    # A target is one position behind its token, so the last one of a row is at length - 1.
    spans = [(row.spans[0][0], length - 1) for row, length in zip(rows, lengths, strict=True)]
    return Batch(tokens, np.array(spans, np.int32))


def clipped(rows: Sequence[TokenRow], max_seq_length: int) -> list[int]:
    """Tokens of each row that are within the limit."""
    return [min(len(row.tokens), max_seq_length) for row in rows]


def training_order(rows: int, batch_size: int, seed: int, first: int = 0) -> Iterator[list[int]]:
    """Endless batches of row indices, from batch `first` on. Every epoch is one shuffle of all rows.

    Each epoch has its own generator: a resumed run jumps to its place without replaying what came before.
    """
    drawn = _shuffled_rows(rows, seed, first * batch_size)
    while True:
        yield list(islice(drawn, batch_size))


def _shuffled_rows(rows: int, seed: int, first: int) -> Iterator[int]:
    epoch, position = divmod(first, rows)
    while True:
        yield from np.random.default_rng([seed, epoch]).permutation(rows)[position:].tolist()
        epoch, position = epoch + 1, 0


def slices(rows: Sequence[TokenRow], batch_size: int) -> Iterator[Sequence[TokenRow]]:
    """All rows in their order, batch by batch; the last batch holds what is left."""
    for start in range(0, len(rows), batch_size):
        yield rows[start : start + batch_size]
