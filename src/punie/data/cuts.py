"""How a batch is cut into groups of rows of like length, so that little of what is computed is padding. Pure Python.

Training cuts every batch so; statistics of a dataset foretell with the same function what training will pad.
"""

from __future__ import annotations

from collections.abc import Sequence

PAD_TO = 32

GROUP_TOKENS = 96
"""What one more group costs, in tokens that could be computed instead: tried on a CPU with a model of 1 M
parameters (docs/LOG.md), not on a GPU."""


def width(longest: int, limit: int) -> int:
    """Tokens per row of a group: the inputs are padded to a multiple of 32, and the last target needs no input."""
    return min(1 + PAD_TO * -(-(longest - 1) // PAD_TO), limit)


def cut(lengths: Sequence[int], limit: int) -> list[list[int]]:
    """Indices of the rows in groups, shortest first; each row is in one. Lengths are at most `limit`.

    Least sum of rows x width + 96 per group, found by dynamic programming over the sorted lengths: in the cheapest
    cut every group is a run of them.
    """
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    cheapest, begins = [0], [0]
    for end, row in enumerate(order, start=1):
        wide = width(lengths[row], limit)
        cost, begin = min((cheapest[begin] + (end - begin) * wide + GROUP_TOKENS, begin) for begin in range(end))
        cheapest.append(cost)
        begins.append(begin)
    groups, end = list[list[int]](), len(order)
    while end:
        groups.append(order[begins[end] : end])
        end = begins[end]
    return groups[::-1]
