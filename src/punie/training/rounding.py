"""Whether two ways to compute the same differ by more than rounding. Runs in the training child."""

from __future__ import annotations

from typing import cast

import mlx.core as mx

EXACT = 1e-4
"""Of the largest number, in single precision."""
OF_A_MISTAKE = 0.05
"""In half precision, and far from the start, where rotations are rounded: of what changes by the mistake that is to be
ruled out."""


def distance(found: mx.array, right: mx.array) -> float:
    """Of their numbers, the largest difference."""
    return _largest(found.astype(mx.float32) - right.astype(mx.float32))


def rounding(right: mx.array, mistake: mx.array) -> float:
    """The distance from `right` that can be rounding; `mistake` is what would come out if the other way were wrong."""
    return EXACT * _largest(right) if right.dtype == mx.float32 else OF_A_MISTAKE * distance(mistake, right)


def _largest(array: mx.array) -> float:
    return cast(float, mx.abs(array).max().item())
