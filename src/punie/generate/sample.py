"""The sample dataset: chats of the embedded model's world, in three splits that share no question."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from punie.data.dataset import Manifest
from punie.data.writer import write_dataset
from punie.errors import UsageError
from punie.generate.tiny import draw_chats

NAME = "sample"
_SMALLEST = 20


def sample_recipe(count: int, seed: int) -> dict[str, Any]:
    return {"generator": "tiny chats", "version": 1, "count": count, "seed": seed}


def write_sample(folder: Path, count: int, seed: int) -> Manifest:
    """Write `count` chats: 90 % train, 5 % valid, 5 % test. The kinds take turns, so all splits hold them alike.

    Raises UsageError where `count` is too small, or the folder is in use.
    """
    if count < _SMALLEST:
        raise UsageError(f"{count} examples are too few for three splits.", hint=f"Ask for at least {_SMALLEST}.")
    rows = list(draw_chats(count, seed))
    part = max(1, count // 20)
    splits = {"train": rows[: -2 * part], "valid": rows[-2 * part : -part], "test": rows[-part:]}
    return write_dataset(folder, NAME, splits, sample_recipe(count, seed))
