"""Which rows each step learns from. Pure numpy.

Epochs are drawn by generators of their own, made from the seed and the epoch's number (`curriculum.epochs`): a resumed
run finds its place without replaying what else was drawn, and validation cannot disturb the order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, count, islice, takewhile

import numpy as np

from punie.curriculum.epochs import Epochs

WINDOW_STEPS = 50
"""Steps whose rows are sorted by length together: more would pad less, and let the same rows meet more often."""


def counted_order(epochs: Epochs, batch_size: int, first: int = 0) -> Iterator[list[int]]:
    """Endless steps of `batch_size` rows, from step `first` on; a step may end one epoch and begin the next."""
    number, place = 0, first * batch_size
    while place >= epochs.size(number):
        place -= epochs.size(number)
        number += 1
    rows = islice(chain.from_iterable(map(epochs.rows, count(number))), place, None)
    while True:
        yield list(islice(rows, batch_size))


def budget_order(costs: Sequence[int], budget: int, epochs: Epochs) -> Iterator[list[int]]:
    """Epochs, dealt out as they come: as many rows a step as cost at most `budget` together, but at least one.

    The last step of an epoch may cost less.
    """
    return chain.from_iterable(budget_steps(costs, budget, epochs.rows(number)) for number in count())


def budget_steps(costs: Sequence[int], budget: int, rows: Sequence[int]) -> Iterator[list[int]]:
    """The same of one epoch."""
    start = 0
    while start < len(rows):
        yield (step := affordable(rows, costs, budget, start))
        start += len(step)


def affordable(rows: Sequence[int], costs: Sequence[int], budget: int, start: int = 0) -> list[int]:
    """The rows from place `start` on that cost at most `budget` together, but at least one."""
    spent = accumulate(costs[rows[place]] for place in range(start, len(rows)))
    inside = sum(1 for _ in takewhile(lambda cost: cost <= budget, spent))
    return list(rows[start : start + max(1, inside)])


def like_length_order(widths: Sequence[int], budget: int, epochs: Epochs, seed: int) -> Iterator[list[int]]:
    """Endless steps of rows of like width: as many as fit into `budget` tokens when all are padded to the widest.

    So a step's rows are `budget // width`, for every step but the last of an epoch, which has the rows that are left.
    Which rows meet is drawn anew in every epoch: the epoch is sorted within windows of 50 steps only, rows of one width
    stay shuffled, and the steps of a window come in random order.
    """
    wide = np.asarray(widths)
    for number in count():
        epoch = np.asarray(epochs.rows(number))
        windows = max(1, round(wide[epoch].sum() / (WINDOW_STEPS * budget)))
        draw, left = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, number))), epoch[:0]
        for window in np.array_split(epoch, windows):
            steps, left = full_blocks(np.concatenate([left, window]), wide, budget)
            yield from (steps[place] for place in draw.permutation(len(steps)))
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
