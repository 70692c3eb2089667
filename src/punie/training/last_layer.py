"""The last layer, computed in each row only from the first learned position to the last.

Its keys and values are needed of every position; its queries, its MLP and all that follows only where a token is
learned. The layer is called twice, as mlx-lm calls it for a prompt and for an answer, with a stand-in for its cache:
what it does between is its own affair. Runs in the training child.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np

from punie.training.rounding import distance, rounding

_PROBE_TOKENS = 64

_WORTH_IT = 2 / 3
"""Of a group's width: what longer windows save, gathering them costs (docs/LOG.md)."""


@dataclass(frozen=True, slots=True)
class Windows:
    """One in each row, all of the same length."""

    starts: np.ndarray
    length: int
    places: np.ndarray
    """The learned positions, in the flattened windows."""

    @classmethod
    def around(cls, places: np.ndarray, rows: int, width: int) -> Windows:
        """The shortest that hold these positions of the flattened inputs."""
        row, column = np.divmod(places, width)
        first, last = np.full(rows, width - 1), np.zeros(rows, np.int64)
        np.minimum.at(first, row, column)
        np.maximum.at(last, row, column)
        length = int(max(1, np.max(last - first + 1)))
        starts = np.minimum(first, width - length)
        return cls(starts, length, row * length + column - starts[row])


def windows_of(places: np.ndarray, rows: int, width: int) -> Windows | None:
    """Those around these positions of the flattened inputs; None where the whole layer costs no more."""
    windows = Windows.around(places, rows, width)
    return windows if windows.length <= _WORTH_IT * width else None


class _Cache:
    """In the place of the layer's cache: it keeps what it is given first, and answers with that."""

    def __init__(self, offset: int) -> None:
        self.offset: int | mx.array = offset
        self.kept: tuple[mx.array, ...] = ()

    def update_and_fetch(self, keys: mx.array, values: mx.array) -> tuple[mx.array, ...]:
        self.kept = self.kept or (keys, values)
        return self.kept


@dataclass(frozen=True, slots=True)
class LastLayer:
    """`layers` are the model's; `call` is how the last of them is called where nothing is checkpointed."""

    layers: list[Any]
    call: Callable[..., mx.array]

    @contextmanager
    def within(self, windows: Windows) -> Generator[None]:
        """While it lasts, the model computes the hidden states of these windows only."""
        layer = self.layers[-1]
        self.layers[-1] = _Windowed(layer, self.call, windows)
        try:
            yield
        finally:
            self.layers[-1] = layer


@dataclass(frozen=True, slots=True)
class _Windowed:
    layer: Any
    call: Callable[..., mx.array]
    windows: Windows

    def __getattr__(self, name: str) -> Any:
        """Some models ask their layers what they are."""
        return getattr(self.layer, name)

    def __call__(self, states: mx.array, mask: Any = None, cache: Any = None) -> mx.array:
        stand_in = _Cache(0 if cache is None else cache.offset)
        # Of this call only keys and values are ever computed: nobody asks for its result.
        self.call(self.layer, states, mask, stand_in)
        return self.call(self.layer, *_part(states, mask, stand_in, self.windows))


def _part(states: mx.array, mask: Any, cache: _Cache, windows: Windows) -> tuple[mx.array, Any, _Cache]:
    """States, mask and cache of the windows, from those of all positions."""
    return (_slice if len(states) == 1 else _gather)(states, mask, cache, windows)


def _slice(states: mx.array, mask: Any, cache: _Cache, windows: Windows) -> tuple[mx.array, Any, _Cache]:
    """The word "causal" still holds: MLX lets the last query see the last key."""
    start, end = int(windows.starts[0]), int(windows.starts[0]) + windows.length
    keys, values = cache.kept
    cache.kept, cache.offset = (keys[:, :, :end], values[:, :, :end]), cache.offset + start
    return states[:, start:end], mask if isinstance(mask, str) else mask[..., start:end, :end], cache


def _gather(states: mx.array, mask: Any, cache: _Cache, windows: Windows) -> tuple[mx.array, Any, _Cache]:
    rows, width, _ = states.shape
    starts = mx.array(windows.starts, mx.int32)
    positions = starts[:, None] + mx.arange(windows.length)
    cache.offset = cache.offset + starts
    if isinstance(mask, str):
        seen = positions[:, None, :, None] >= mx.arange(width)
    else:
        seen = mx.take_along_axis(mx.broadcast_to(mask, (rows, 1, width, width)), positions[:, None, :, None], axis=2)
    return mx.take_along_axis(states, positions[:, :, None], axis=1), seen, cache


def is_checkpointed(layer: Any) -> bool:
    """Whether mlx-lm's `grad_checkpoint` has changed its class: then nothing may leave its call but the result."""
    return type(layer).__call__.__name__ == "checkpointed_fn"


def last_layer(body: Any, tokens: Sequence[int]) -> LastLayer | None:
    """None where the layers do not allow it. `body`: the model without its head. Tried on one row and on two."""
    probe = mx.array(np.asarray(tokens[:_PROBE_TOKENS]))
    if len(probe) < 4 or not isinstance(body.layers, list) or is_checkpointed(body.layers[-1]):
        return None
    last = LastLayer(body.layers, type(body.layers[-1]).__call__)
    pair = mx.stack([probe, probe[::-1]])
    try:
        return last if _alike(body, last, pair[:1]) and _alike(body, last, pair) else None
    except (TypeError, ValueError, AttributeError, IndexError, KeyError, NotImplementedError):
        return None


def _alike(body: Any, last: LastLayer, rows: mx.array) -> bool:
    """Windows of the second quarter, and of the third, give the states that they have in the whole."""
    count, width = rows.shape
    quarter = width // 4
    places = np.concatenate([np.arange(quarter) + row * width + (row + 1) * quarter for row in range(count)])
    windows = Windows.around(places, count, width)
    right = body(rows, cache=None).flatten(0, 1)[mx.array(places)]
    with last.within(windows):
        found = body(rows, cache=None).flatten(0, 1)[mx.array(windows.places)]
    # The mistake to rule out: windows that do not know what stands before them.
    alone = body(rows.flatten()[mx.array(places)].reshape(count, quarter), cache=None).flatten(0, 1)
    return distance(found, right) <= rounding(right, alone)
