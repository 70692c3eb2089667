"""Bytes that a training run needs, item by item."""

from __future__ import annotations

from dataclasses import dataclass, fields

from punie.errors import CapacityError
from punie.training.adapter import AdapterFolder

SHARE = 0.85
"""Of what the machine recommends or has, a run may use so much: beyond it macOS begins to swap."""

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
    def counted(self) -> int:
        """What is there whatever a step does."""
        return self.weights + self.optimizer + self.gradients

    @property
    def total(self) -> int:
        return sum(getattr(self, field.name) for field in fields(self))

    def __str__(self) -> str:
        return ", ".join(f"{field.name} {getattr(self, field.name) / 1e9:.2f}" for field in fields(self))


def require_fit(needs: Needs, limit: int) -> None:
    """Raises CapacityError where an estimate, in bytes, is above what may be used."""
    if needs.total > limit:
        raise CapacityError(
            f"This run needs about {needs.total / 1e9:.2f} GB of memory (estimated, in GB: {needs}); "
            f"it may use {limit / 1e9:.2f} GB.",
            hint=SMALLER,
        )


def too_large(peak: float, limit: int, iteration: int, folder: AdapterFolder) -> CapacityError:
    """What to say of a run that took more than it may and was saved."""
    return CapacityError(
        f"The run took {peak / 1e9:.2f} GB of memory and may use {limit / 1e9:.2f} GB. "
        f"It is saved after iteration {iteration}.",
        where=str(folder.root),
        hint=f"Go on with a higher memory_limit: {folder.resume_command} --memory-limit ...\n{SMALLER}",
    )
