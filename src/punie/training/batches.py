"""Which rows meet in which batch, and what a batch looks like. Pure numpy.

Differs from mlx-lm's own batches where those are at fault (mlx-lm issues 596, 1029, 961, 1697): rows of like length
share a batch (mlx-lm means to, and counts dictionary keys instead of tokens), rows are drawn anew in every epoch, none
is left out because a batch did not fill, the padding after a row is not a target, and validation neither draws from the
stream that orders the training rows nor changes its own choice from one time to the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

PAD_TO = 32

WINDOW = 8
"""Batches whose rows are dealt out by length together."""

_EPOCH, _BATCHES = 0, 1
"""Names of the two streams that are drawn from one seed."""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """Token ids, and how many of them are the prompt that is not learned."""

    tokens: Sequence[int]
    offset: int

    def supervised(self, max_seq_length: int) -> int:
        """How many tokens carry loss once the row is cut; the first token of a row is never predicted."""
        return min(len(self.tokens), max_seq_length) - max(self.offset, 1)


@dataclass(frozen=True, slots=True)
class Batch:
    """`tokens`: int32, rows x width, padded with 0. `spans`: first and last target position of each row."""

    tokens: np.ndarray
    spans: np.ndarray
    count: int
    """Tokens without padding."""


def make_batch(rows: Sequence[TokenRow], max_seq_length: int) -> Batch:
    """Pad to one more than a multiple of 32, as mlx-lm does, so that few widths have to be traced."""
    lengths = [min(len(row.tokens), max_seq_length) for row in rows]
    width = min(1 + PAD_TO * -(-max(lengths) // PAD_TO), max_seq_length)
    tokens = np.zeros((len(rows), width), np.int32)
    for line, row, length in zip(tokens, rows, lengths, strict=True):
        line[:length] = row.tokens[:length]
    # A target is one position behind its token, so the last one of a row is at length - 1.
    spans = np.array([(row.offset, length - 1) for row, length in zip(rows, lengths, strict=True)], np.int32)
    return Batch(tokens, spans, sum(lengths))


def training_order(lengths: Sequence[int], batch_size: int, seed: int, first: int = 0) -> Iterator[list[int]]:
    """Endless batches of row indices, from batch `first` on. Every epoch is one shuffle of all rows.

    Of every `WINDOW` batches the rows are dealt out by length, so that little is padding, and the batches are shuffled.
    Each epoch and window has its own generator: a resumed run jumps to its place without replaying what came before.
    """
    window, skipped = divmod(first, WINDOW)
    size = WINDOW * batch_size
    rows = _shuffled_rows(len(lengths), seed, window * size)
    while True:
        drawn = sorted(islice(rows, size), key=lengths.__getitem__)
        batches = [drawn[start : start + batch_size] for start in range(0, size, batch_size)]
        order = np.random.default_rng([seed, _BATCHES, window]).permutation(WINDOW).tolist()
        yield from [batches[index] for index in order[skipped:]]
        window, skipped = window + 1, 0


def _shuffled_rows(rows: int, seed: int, first: int) -> Iterator[int]:
    epoch, position = divmod(first, rows)
    while True:
        yield from np.random.default_rng([seed, _EPOCH, epoch]).permutation(rows)[position:].tolist()
        epoch, position = epoch + 1, 0


def validation_batches(rows: Sequence[TokenRow], batch_size: int, max_seq_length: int) -> Iterator[Batch]:
    """All rows in file order; the last batch holds what is left."""
    for start in range(0, len(rows), batch_size):
        yield make_batch(rows[start : start + batch_size], max_seq_length)
