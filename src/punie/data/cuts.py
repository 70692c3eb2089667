"""How rows are put together so that little of what is computed is padding. Pure Python.

Training cuts or packs its batches so; statistics of a dataset foretell with the same functions what training will pad.
"""

from __future__ import annotations

from collections.abc import Sequence

PAD_TO = 16
"""3 % faster than 32 on a CPU, for eight more widths; 8 was no faster (docs/LOG.md)."""

GROUP_TOKENS = 96
"""What one more group costs, in tokens that could be computed instead: tried on a CPU with a model of 1 M
parameters (docs/LOG.md), not on a GPU."""


def width(longest: int, limit: int) -> int:
    """Tokens per row of a group; the last target needs no input.

    The inputs are padded to a multiple of 16, and from 256 on to one of eight widths per doubling, so there are at most
    17 + 8 log2(limit / 256) widths however the rows are made, and a row is padded by less than 16 or an eighth.
    """
    inputs = longest - 1
    unit = max(PAD_TO, (1 << (inputs - 1).bit_length()) // 16)
    return min(1 + unit * -(-inputs // unit), limit)


def block_width(longest: int, limit: int) -> int:
    """Tokens per row of one padded block, as mlx-lm pads: one more than a multiple of 32."""
    return min(1 + 32 * -(-longest // 32), limit)


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


def pack(lengths: Sequence[int], room: int) -> list[list[int]]:
    """Indices of the rows in packs of at most `room` tokens: the longest first, each into the first pack that has room.

    First fit decreasing needs at most 11/9 of the packs that are necessary, and one more (Johnson, 1973).
    """
    packs, free = list[list[int]](), list[int]()
    for row in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        place = next((place for place, left in enumerate(free) if left >= lengths[row]), len(packs))
        if place == len(packs):
            packs.append([])
            free.append(room)
        packs[place].append(row)
        free[place] -= lengths[row]
    return packs
