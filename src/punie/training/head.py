"""The model in two halves: the layers, which give hidden states, and the head, which gives logits.

The loss needs logits only where a token is learned, so it asks the head for little, and the last layer for no more.
Runs in the training child.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import mlx.core as mx
import numpy as np
from mlx import nn

from punie.training.checkpoint import flat
from punie.training.last_layer import LastLayer, last_layer, windows_of
from punie.training.packing import caches

PLAIN_HEADS = frozenset(
    {
        "gemma",
        "gemma3_text",
        "glm4",
        "llama",
        "ministral3",
        "mixtral",
        "olmo2",
        "phi3",
        "qwen2",
        "qwen3",
        "qwen3_moe",
        "smollm3",
        "stablelm",
        "starcoder2",
    }
)
"""Architectures of mlx-lm whose logits are the head's product and nothing more: no cap, no scale."""

_TOLERANCE = 1e-4
_PROBE_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Halves:
    """`body`: tokens (rows x width), and caches, to hidden states (rows x width x size). `head`: those to logits."""

    body: Any
    head: Callable[[mx.array], mx.array]
    last: LastLayer | None
    """Where the last of the layers can be computed in part."""

    @property
    def route(self) -> str:
        return "learned positions" if self.last is None else "learned positions, in the last layer too"

    def hidden(self, inputs: mx.array, places: np.ndarray, segments: mx.array | None) -> mx.array:
        """positions x size, of these places in the flattened inputs."""
        whole = partial(self.body, inputs, cache=caches(self.body, segments))
        windows = None if self.last is None else windows_of(places, *inputs.shape)
        if self.last is None or windows is None:
            return whole().flatten(0, 1)[mx.array(places)]
        with self.last.within(windows):
            return whole().flatten(0, 1)[mx.array(windows.places)]


def split_model(model: Any, tokens: Sequence[int]) -> Halves | None:
    """None where the halves are not known to make the model, or where the head learns.

    Proved on one row: the model itself and its halves give the same logits.
    """
    if type(model).__module__.rpartition(".")[2] not in PLAIN_HEADS:
        return None
    module: nn.Module = model.lm_head if "lm_head" in model else model.model.embed_tokens
    head = module if "lm_head" in model else model.model.embed_tokens.as_linear
    probe = mx.array(np.asarray(tokens[:_PROBE_TOKENS])[None])
    model.eval()
    alike = mx.allclose(head(model.model(probe, cache=None)), model(probe), rtol=_TOLERANCE, atol=_TOLERANCE).item()
    if not alike or flat(module.trainable_parameters()):
        return None
    return Halves(model.model, head, last_layer(model.model, tokens))
