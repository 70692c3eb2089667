"""Which rows meet in which batch, and what a batch looks like. Pure numpy.

Differs from mlx-lm's own batches where those are at fault (mlx-lm issues 596, 1029, 961, 1697): rows are drawn anew
in every epoch, none is left out because a batch did not fill, the padding after a row is not a target, and validation
neither draws from the stream that orders the training rows nor changes its own choice from one time to the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

PAD_TO = 32


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


def training_order(rows: int, batch_size: int, seed: int, first: int = 0) -> Iterator[list[int]]:
    """Endless batches of row indices, from batch `first` on; every epoch is one shuffle of all rows.

    Each epoch has its own generator, so that a resumed run jumps to its place without replaying what came before.
    """

    def shuffled(epoch: int) -> list[int]:
        return np.random.default_rng([seed, epoch]).permutation(rows).tolist()

    epoch, position = divmod(first * batch_size, rows)
    waiting = shuffled(epoch)[position:]
    while True:
        while len(waiting) < batch_size:
            epoch += 1
            waiting += shuffled(epoch)
        yield waiting[:batch_size]
        del waiting[:batch_size]


def validation_batches(rows: Sequence[TokenRow], batch_size: int, max_seq_length: int) -> Iterator[Batch]:
    """All rows in file order; the last batch holds what is left."""
    for start in range(0, len(rows), batch_size):
        yield make_batch(rows[start : start + batch_size], max_seq_length)
