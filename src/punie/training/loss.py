"""The loss of a group of rows: summed cross-entropy in nats over the tokens that are learned, and over nothing else.

Where the head is frozen, its gradient is made while its logits are at hand, in chunks: the logits of a whole group
never exist, and nothing is computed twice. Runs in the training child.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import mlx.core as mx
import numpy as np
from mlx import nn

from punie.training.head import Halves
from punie.training.packing import caches
from punie.training.workload import CHUNK

GroupLoss = Callable[[Any, mx.array, np.ndarray, mx.array, mx.array | None], mx.array]
"""Of the model, inputs (rows x width), places (in the flattened inputs), targets, and the segments of a pack, as a
`Group` has them. Returns a scalar."""


def group_loss(halves: Halves | None) -> GroupLoss:
    """The loss of a model whose halves are known, or of one that is asked for all its logits."""
    return _full_loss if halves is None else _sparse_loss(halves)


def measured_loss(halves: Halves | None) -> GroupLoss:
    """The same number where nothing is learned from it: no gradient is made, of no chunk."""
    if halves is None:
        return _full_loss

    def loss(_: Any, inputs: mx.array, places: np.ndarray, targets: mx.array, segments: mx.array | None) -> mx.array:
        hidden = halves.hidden(inputs, places, segments)
        total = mx.array(0.0)
        for start in range(0, len(targets), CHUNK):
            chunk = mx.depends([hidden[start : start + CHUNK]], [total])[0]
            total = total + _chunk(halves.head, chunk, targets[start : start + CHUNK])[0]
        return total

    return loss


def _full_loss(
    model: Any, inputs: mx.array, places: np.ndarray, targets: mx.array, segments: mx.array | None
) -> mx.array:
    logits = model(inputs, cache=caches(model, segments)).flatten(0, 1)[mx.array(places)]
    return nn.losses.cross_entropy(logits.astype(mx.float32), targets, reduction="sum")


def _sparse_loss(halves: Halves) -> GroupLoss:
    head_loss = frozen_head_loss(halves.head)

    def loss(_: Any, inputs: mx.array, places: np.ndarray, targets: mx.array, segments: mx.array | None) -> mx.array:
        return head_loss(halves.hidden(inputs, places, segments), targets)

    return loss


def frozen_head_loss(head: Callable[[mx.array], mx.array]) -> Callable[[mx.array, mx.array], mx.array]:
    """Summed cross-entropy of `head(hidden)`, hidden (positions x size), with a gradient for the hidden state only."""

    @mx.custom_function
    def loss_and_gradient(hidden: mx.array, targets: mx.array) -> tuple[mx.array, mx.array]:
        total, gradients = mx.array(0.0), list[mx.array]()
        for start in range(0, len(targets), CHUNK):
            chunk = hidden[start : start + CHUNK]
            # One chunk after the other: all at once they would need the memory that chunks are to save.
            chunk = mx.depends([chunk], gradients[-1:])[0] if gradients else chunk
            loss, gradient = _chunk(head, chunk, targets[start : start + CHUNK])
            total = total + loss
            gradients.append(gradient)
        return total, mx.concatenate(gradients)

    @loss_and_gradient.vjp
    def _(
        primals: tuple[mx.array, mx.array], cotangents: tuple[mx.array, mx.array], outputs: tuple[mx.array, mx.array]
    ) -> tuple[mx.array, mx.array]:
        scale = cotangents[0].astype(outputs[1].dtype)
        return scale * outputs[1], mx.zeros_like(primals[1])

    def loss(hidden: mx.array, targets: mx.array) -> mx.array:
        total, _ = cast(tuple[mx.array, mx.array], loss_and_gradient(hidden, targets))
        return total

    return loss


def _chunk(head: Callable[[mx.array], mx.array], hidden: mx.array, targets: mx.array) -> tuple[mx.array, mx.array]:
    """The summed loss, and its gradient by the hidden state: softmax less one at the target, back through the head."""
    logits, column = head(hidden).astype(mx.float32), targets[:, None]
    logits = logits - logits.max(axis=-1, keepdims=True)
    # One exponential serves the loss and its gradient: it is what costs most here.
    parts = mx.exp(logits)
    whole = parts.sum(axis=-1, keepdims=True)
    chosen = mx.take_along_axis(logits, column, axis=-1)
    by_logits = mx.put_along_axis(parts / whole, column, mx.exp(chosen) / whole - 1, axis=-1)
    _, (by_hidden,) = mx.vjp(head, [hidden], [by_logits.astype(hidden.dtype)])
    return (mx.log(whole) - chosen).sum(), by_hidden
