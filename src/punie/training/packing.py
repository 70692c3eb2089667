"""Rows that share a row of inputs without seeing each other. Runs in the training child.

mlx-lm's models ask the object in the cache's place for their attention mask. A stand-in that keeps nothing and answers
with a block for each row is therefore enough. Positions need no restart where they are told by rotation, since then
only distances count. Whether all this holds is tried on the model itself before training.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mlx.core as mx
import numpy as np

from punie.errors import UsageError
from punie.training.batches import TokenRow, make_pack
from punie.training.rounding import OF_A_MISTAKE, distance, rounding

_PROBE_ROWS, _PROBE_TOKENS = 3, 64


class PackedRows:
    """Stands in the place of every layer's cache. `segments`: rows x width, as in `Group`."""

    def __init__(self, segments: mx.array, offset: int = 0) -> None:
        self.offset = offset
        same = segments[:, None, :, None] == segments[:, None, None, :]
        self._mask = mx.logical_and(same, mx.tri(segments.shape[1], dtype=mx.bool_))

    def make_mask(self, _: int, *, window_size: int | None = None, return_array: bool = True) -> mx.array:
        """rows x 1 x width x width; True where a position is seen. Raises ValueError for a sliding window."""
        if window_size is not None:
            raise ValueError(f"it has layers that see a window of {window_size} tokens only")
        return self._mask

    def update_and_fetch(self, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
        return keys, values


def caches(model: Any, segments: mx.array | None, offset: int = 0) -> list[PackedRows] | None:
    """What a model is given as its cache: nothing where every row has a row of inputs for itself."""
    return None if segments is None else [PackedRows(segments, offset)] * len(model.layers)


def require_packable(model: Any, rows: Sequence[TokenRow], max_seq_length: int, where: str) -> None:
    """Raises UsageError where packed rows would not give the logits that they give alone."""
    reason = unpackable(model, rows, max_seq_length)
    if reason is not None:
        raise UsageError(f"This model's rows cannot be packed: {reason}.", where=where, hint="Leave packing out.")


def unpackable(model: Any, rows: Sequence[TokenRow], max_seq_length: int) -> str | None:
    """Why not, or None. Tried on the beginnings of a few rows, at the start of a pack and at its end."""
    probes = [TokenRow(row.tokens[:_PROBE_TOKENS], ()) for row in (*rows, *rows, *rows)[:_PROBE_ROWS]]
    pack = make_pack(probes, _PROBE_ROWS * _PROBE_TOKENS)
    inputs, segments = mx.array(pack.inputs), mx.array(np.asarray(pack.segments))
    model.eval()
    last = max(0, max_seq_length - inputs.shape[1])
    try:
        packed, far = (model(inputs, cache=caches(model, segments, offset)) for offset in (0, last))
    except (TypeError, ValueError, AttributeError, IndexError, KeyError, NotImplementedError) as error:
        return f"it takes no mask from outside ({error})"
    alone = mx.concatenate([model(mx.array(np.asarray(row.tokens)[None, :-1])) for row in probes], axis=1)
    packed, far, leaking = (logits[:, : alone.shape[1]] for logits in (packed, far, model(inputs)))
    change, farther, bound = distance(packed, alone), distance(far, alone), rounding(alone, leaking)
    if change > bound:
        return f"its logits change by {change:.2g}, and {bound:.2g} would be rounding"
    far_bound = OF_A_MISTAKE * distance(leaking, alone)
    return None if farther <= far_bound else f"its logits change by {farther:.2g} far from the start"
