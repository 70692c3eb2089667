"""How much disk a run needs, and whether it is there."""

from __future__ import annotations

import shutil
from pathlib import Path

from punie.errors import CapacityError
from punie.training.plan import TrainingPlan

LORA_BYTES = 200_000_000
"""Disk to have free for a LoRA run: adapter, optimizer state, checkpoints and log, generously."""


def bytes_needed(plan: TrainingPlan) -> int:
    """Disk for the run: fine_tune_type full writes all weights for the adapter, each checkpoint, state and score."""
    if plan.fine_tune_type != "full":
        return LORA_BYTES
    weights = sum(file.stat().st_size for file in Path(plan.model).glob("*.safetensors"))
    checkpoints = plan.iters // plan.save_every
    kept = checkpoints if plan.keep_checkpoints == -1 else min(checkpoints, plan.keep_checkpoints)
    return weights * (5 + kept + (plan.score_suite is not None))


def require_space(folder: Path, needed: int) -> None:
    """Raises CapacityError where the disk that will hold `folder` has fewer free bytes than needed."""
    free = free_bytes(folder)
    if free < needed:
        raise CapacityError(
            f"The disk has {free / 1e9:.1f} GB free; this needs about {needed / 1e9:.1f} GB.",
            where=str(existing_part(folder)),
            hint="Make room, or write to another disk.",
        )


def free_bytes(folder: Path) -> int:
    """Of the disk that holds `folder`, or will."""
    return shutil.disk_usage(existing_part(folder)).free


def existing_part(folder: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())
