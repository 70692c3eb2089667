"""Measured settings for models we know. Every value is a default: what the user gives wins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from punie.workspace import is_embedded

TINY: dict[str, Any] = {
    "iters": 150,
    "batch_size": 16,
    "learning_rate": 1e-3,
    "schedule": "cosine",
    "warmup": 10,
    "final_learning_rate": 1e-3 / 30,
    "optimizer": "adamw",
    "num_layers": -1,
    "rank": 16,
    "scale": 4.0,
    "max_seq_length": 512,
    "mask_prompt": True,
    "steps_per_eval": 50,
    "save_every": 50,
}
"""For the embedded model. 3e-3 has destroyed an unfinished one; 1e-3 works. See docs/LOG.md."""


def preset(model: Path) -> dict[str, Any]:
    """Defaults for a model's folder; none for a model we do not know."""
    return TINY if is_embedded(model) else {}
