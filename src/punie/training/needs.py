"""Bytes that a training run needs, item by item."""

from __future__ import annotations

from dataclasses import dataclass, fields

SMALLER = (
    "A new run needs less with a lower batch_size (or batch_tokens), max_seq_length or num_layers, "
    "or with grad_checkpoint."
)
"""What to do about it."""


@dataclass(frozen=True, slots=True)
class Needs:
    """Weights and optimizer are counted, the rest is estimated."""

    weights: int
    optimizer: int
    gradients: int
    activations: int
    """Of the widest group there can be, with its gradient."""
    logits: int

    @property
    def total(self) -> int:
        return sum(getattr(self, field.name) for field in fields(self))

    def __str__(self) -> str:
        return ", ".join(f"{field.name} {getattr(self, field.name) / 1e9:.2f}" for field in fields(self))
