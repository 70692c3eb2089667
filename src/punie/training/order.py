"""Which rows each step learns from. Pure numpy.

An epoch is every row once. Each is drawn by a generator of its own, made from the seed and the epoch's number: a
resumed run finds its place without replaying what else was drawn, and validation cannot disturb the order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count, islice

import numpy as np

WINDOW_STEPS = 50
"""Steps whose rows are sorted by length together: more would pad less, and let the same rows meet more often."""


def training_order(rows: int, batch_size: int, seed: int, first: int = 0) -> Iterator[list[int]]:
    """Endless steps of `batch_size` rows, from step `first` on; a step may end one epoch and begin the next."""
    epoch, position = divmod(first * batch_size, rows)
    return _counted(_cycle(_shuffled(rows, seed, epoch), position), batch_size)


def given_order(rows: Sequence[int], batch_size: int, first: int = 0) -> Iterator[list[int]]:
    """The rows as they are given, `batch_size` a step, again from the start after the last."""
    return _counted(_cycle((rows for _ in count()), first * batch_size % len(rows)), batch_size)


def budget_order(costs: Sequence[int], budget: int, order: Iterable[Sequence[int]]) -> Iterator[list[int]]:
    """Epochs, dealt out as they come: as many rows a step as cost at most `budget` together, but at least one.

    The last step of an epoch may cost less.
    """
    for epoch in order:
        step, spent = list[int](), 0
        for row in epoch:
            if step and spent + costs[row] > budget:
                yield step
                step, spent = [], 0
            step.append(row)
            spent += costs[row]
        yield step


def like_length_order(widths: Sequence[int], budget: int, seed: int) -> Iterator[list[int]]:
    """Endless steps of rows of like width: as many as fit into `budget` tokens when all are padded to the widest.

    So a step's rows are `budget // width`, for every step but the last of an epoch, which has the rows that are left.
    Which rows meet is drawn anew in every epoch: the shuffled rows are sorted within windows of 50 steps only, rows of
    one width stay shuffled, and the steps of a window come in random order.
    """
    wide = np.asarray(widths)
    windows = max(1, round(wide.sum() / (WINDOW_STEPS * budget)))
    for epoch in count():
        draw = np.random.default_rng([seed, epoch])
        left = np.empty(0, np.int64)
        for window in np.array_split(draw.permutation(len(wide)), windows):
            steps, left = full_blocks(np.concatenate([left, window]), wide, budget)
            yield from (steps[number] for number in draw.permutation(len(steps)))
        if left.size:
            yield left.tolist()


def full_blocks(rows: np.ndarray, widths: np.ndarray, budget: int) -> tuple[list[list[int]], np.ndarray]:
    """The rows, widest first, in blocks that fill `budget`, and the narrow ones that are left."""
    waiting = rows[np.argsort(-widths[rows], kind="stable")]
    blocks = list[list[int]]()
    while waiting.size and (size := max(1, budget // widths[waiting[0]])) <= waiting.size:
        blocks.append(waiting[:size].tolist())
        waiting = waiting[size:]
    return blocks, waiting


def validation_order(rows: int, seed: int) -> list[int]:
    """All rows, in an order that is drawn once for a run; the first of them are what every validation looks at.

    The stream serves nothing else: numpy keeps a spawned sequence apart from all that are made of lists of numbers.
    """
    own = np.random.SeedSequence(seed, spawn_key=(0,))
    return np.random.default_rng(own).permutation(rows).tolist()


def shuffled_epochs(rows: int, seed: int) -> Iterator[Sequence[int]]:
    return _shuffled(rows, seed, 0)


def _shuffled(rows: int, seed: int, first_epoch: int) -> Iterator[list[int]]:
    return (np.random.default_rng([seed, epoch]).permutation(rows).tolist() for epoch in count(first_epoch))


def _cycle(epochs: Iterable[Sequence[int]], position: int) -> Iterator[int]:
    return islice(chain.from_iterable(epochs), position, None)


def _counted(rows: Iterator[int], batch_size: int) -> Iterator[list[int]]:
    while True:
        yield list(islice(rows, batch_size))
