"""What the rows of a step look like when they are computed. Pure numpy.

Differs from mlx-lm's own batches where those are at fault (mlx-lm issues 596, 1029, 961, 1697): no row is left out
because a batch did not fill, and the padding after a row is not a target. `order.py` says which rows meet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from punie.data.cuts import block_width, cut, pack, width


@dataclass(frozen=True, slots=True)
class TokenRow:
    """Token ids, and the spans of them that are learned: first and one past the last, rising."""

    tokens: Sequence[int]
    spans: tuple[tuple[int, int], ...]
    line: int = 0
    """Where the row stands in its file, from 1; 0 where it comes from none."""

    def learned(self, max_seq_length: int) -> np.ndarray:
        """Indices of the tokens that carry loss once the row is cut; the first token is never predicted."""
        inside = [np.arange(max(start, 1), min(end, max_seq_length)) for start, end in self.spans]
        return np.concatenate(inside) if inside else np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that are computed together. `inputs`: int32, rows x width, padded with 0.

    `places` are the positions in the flattened inputs at which a token is learned, `targets` those tokens. In a pack
    several rows follow each other in one row of inputs: `segments`, of the shape of the inputs, numbers them from 1,
    with 0 for padding. None where each row has a row of inputs for itself.
    """

    inputs: np.ndarray
    places: np.ndarray
    targets: np.ndarray
    rows: int
    tokens: int
    """Of the rows, those included that are targets only."""
    positions: int
    """As many as `tokens` if there were no padding."""
    segments: np.ndarray | None = None


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
    starts = inputs.shape[1] * np.arange(len(rows))
    return Group(
        inputs, *_learned(rows, starts, max_seq_length), len(rows), sum(lengths), positions=inputs.size + len(rows)
    )


def make_groups(rows: Sequence[TokenRow], max_seq_length: int) -> list[Group]:
    """One batch, cut into groups; each row in one of them, each learned token once."""
    groups = cut(clipped(rows, max_seq_length), max_seq_length)
    return [make_group([rows[index] for index in group], max_seq_length) for group in groups]


def make_pack(rows: Sequence[TokenRow], max_seq_length: int) -> Group:
    """The rows one after the other in one row of inputs."""
    lengths = [length - 1 for length in clipped(rows, max_seq_length)]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    inputs = np.zeros((1, width(int(starts[-1]) + 1, max_seq_length) - 1), np.int32)
    segments = np.zeros_like(inputs)
    for number, (row, start, length) in enumerate(zip(rows, starts, lengths, strict=False), start=1):
        inputs[0, start : start + length] = row.tokens[:length]
        segments[0, start : start + length] = number
    learned, count = _learned(rows, starts[:-1], max_seq_length), len(rows)
    return Group(inputs, *learned, count, sum(lengths) + count, inputs.size + count, segments)


def make_packs(rows: Sequence[TokenRow], max_seq_length: int) -> list[Group]:
    """The rows in as few packs as first fit decreasing finds; each is a group: as many shapes as widths."""
    packs = pack([length - 1 for length in clipped(rows, max_seq_length)], max_seq_length - 1)
    return [make_pack([rows[index] for index in indices], max_seq_length) for indices in packs]


def make_stream(rows: Sequence[TokenRow], length: int) -> Group:
    """The rows as one text, cut into inputs of `length` tokens. Its first token alone is never a target.

    Nothing separates the rows but the mark with which each ends.
    """
    tokens = np.concatenate([np.asarray(row.tokens, np.int32) for row in rows])
    starts = np.cumsum([0, *(len(row.tokens) for row in rows)])
    spans = ((start + first, start + end) for start, row in zip(starts, rows, strict=False) for first, end in row.spans)
    learned = np.concatenate([np.arange(max(first, 1), end, dtype=np.int32) for first, end in spans])
    wide = min(length, len(tokens) - 1)
    inputs = np.zeros((-(-(len(tokens) - 1) // wide), wide), np.int32)
    inputs.reshape(-1)[: len(tokens) - 1] = tokens[:-1]
    return Group(inputs, learned - 1, tokens[learned], len(rows), len(tokens), positions=inputs.size + 1)


def make_batch(rows: Sequence[TokenRow], max_seq_length: int) -> Batch:
    """One padded block of rows with a single span each, as mlx-lm pads."""
    lengths = clipped(rows, max_seq_length)
    tokens = np.zeros((len(rows), block_width(max(lengths), max_seq_length)), np.int32)
    for line, row, length in zip(tokens, rows, lengths, strict=True):
        line[:length] = row.tokens[:length]
    # A target is one position behind its token, so the last one of a row is at length - 1.
    spans = [(row.spans[0][0], length - 1) for row, length in zip(rows, lengths, strict=True)]
    return Batch(tokens, np.array(spans, np.int32))


def _learned(rows: Sequence[TokenRow], starts: np.ndarray, max_seq_length: int) -> tuple[np.ndarray, np.ndarray]:
    """Places and targets of rows whose inputs begin at these positions of the flattened inputs."""
    learned = [row.learned(max_seq_length) for row in rows]
    places = [start + indices - 1 for start, indices in zip(starts, learned, strict=True)]
    targets = [np.asarray(row.tokens)[indices] for row, indices in zip(rows, learned, strict=True)]
    return np.concatenate(places).astype(np.int32), np.concatenate(targets).astype(np.int32)


def clipped(rows: Sequence[TokenRow], max_seq_length: int) -> list[int]:
    """Tokens of each row that are within the limit."""
    return [min(len(row.tokens), max_seq_length) for row in rows]


def slices(rows: Sequence[TokenRow], batch_size: int) -> Iterator[Sequence[TokenRow]]:
    """All rows in their order, batch by batch; the last batch holds what is left."""
    for start in range(0, len(rows), batch_size):
        yield rows[start : start + batch_size]
