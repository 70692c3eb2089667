"""Causal attention in blocks of queries: a block looks at the keys up to its own end, and at none after it.

MLX on a CPU computes all pairs of a row's tokens and then masks the later half. In blocks hardly any of that half is
computed or kept for the gradient; the result is the same to rounding. Runs in the training child.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import mlx.core as mx

BLOCK = 128
"""Queries of a block. 64 and 128 were alike, 256 was slower (docs/LOG.md)."""

Attention = Callable[..., mx.array]


@contextmanager
def attention_in_blocks(model: Any) -> Generator[None]:
    """While it lasts, the layers of this architecture attend in blocks.

    Only on a CPU: a GPU has fused kernels of its own, and blocks were not measured there.
    """
    architecture, name = sys.modules[type(model).__module__], "scaled_dot_product_attention"
    whole = getattr(architecture, name, None)
    if whole is None or mx.default_device() != mx.Device(mx.cpu):
        yield
        return
    setattr(architecture, name, in_blocks(whole))
    try:
        yield
    finally:
        setattr(architecture, name, whole)


def in_blocks(whole: Attention) -> Attention:
    """mlx-lm's attention over queries, keys and values (rows x heads x tokens x size), block by block."""

    def attention(
        queries: mx.array, keys: mx.array, values: mx.array, *cache: Any, mask: Any, **others: Any
    ) -> mx.array:
        length, past = queries.shape[2], keys.shape[2] - queries.shape[2]
        # An array over other keys than the queries' own may show any of them.
        if mask is None or length <= BLOCK or (past and not isinstance(mask, str)):
            return whole(queries, keys, values, *cache, mask=mask, **others)

        def block(start: int, end: int) -> mx.array:
            seen = keys[:, :, : past + end], values[:, :, : past + end]
            return whole(queries[:, :, start:end], *seen, *cache, mask=_part(mask, start, end), **others)

        parts = [block(start, min(start + BLOCK, length)) for start in range(0, length, BLOCK)]
        return mx.concatenate(parts, axis=2)

    return attention


def _part(mask: Any, start: int, end: int) -> Any:
    """The word "causal" holds for a block as it is: MLX lets the last query see the last key."""
    return mask if isinstance(mask, str) else mask[..., start:end, :end]
