"""The model in two halves: the layers, which give hidden states, and the head, which gives logits.

The loss needs logits only where a token is learned, so it asks the layers for everything and the head for little.
Runs in the training child.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np
from mlx import nn

from punie.training.checkpoint import flat

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
    """`layers`: tokens (rows x width), and caches, to hidden states (rows x width x size). `head`: those to logits."""

    layers: Callable[..., mx.array]
    head: Callable[[mx.array], mx.array]


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
    alike = mx.allclose(head(model.model(probe)), model(probe), rtol=_TOLERANCE, atol=_TOLERANCE).item()
    return Halves(model.model, head) if alike and not flat(module.trainable_parameters()) else None
