"""The embedded datasets, each in three splits that share no question.

`sample` is for trying commands out: written conversations first, then as many chats of the embedded model's world as
are asked for. `tiny` is that world alone, on which the quickstart trains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from punie.data.dataset import Manifest
from punie.data.writer import write_dataset
from punie.errors import UsageError
from punie.generate.tiny import draw_chats
from punie.generate.written import Row, written_chats

_SMALLEST = 20


def write_sample(folder: Path, count: int, seed: int) -> Manifest:
    """Write `count` chats, shuffled: 90 % train, 5 % valid, 5 % test. No two are alike.

    Raises UsageError where `count` is too small, or the folder is in use.
    """
    rng = Random(f"sample {seed}")
    written = written_chats()
    rng.shuffle(written)
    rows = [*written[:count], *draw_chats(max(0, count - len(written)), seed)]
    rng.shuffle(rows)
    return _write(folder, "sample", rows, _recipe("sample", count, seed))


def tiny_recipe(count: int, seed: int) -> dict[str, Any]:
    return _recipe("tiny", count, seed)


def write_tiny(folder: Path, count: int, seed: int) -> Manifest:
    """As `write_sample`, from the embedded model's world alone. The kinds take turns, so all splits hold them alike."""
    return _write(folder, "tiny", list(draw_chats(count, seed)), tiny_recipe(count, seed))


EMBEDDED: Mapping[str, Callable[[Path, int, int], Manifest]] = {"sample": write_sample, "tiny": write_tiny}


def _recipe(dataset: str, count: int, seed: int) -> dict[str, Any]:
    return {"command": "download", "dataset": dataset, "version": 1, "max": count, "seed": seed}


def _write(folder: Path, name: str, rows: Sequence[Row], recipe: Mapping[str, Any]) -> Manifest:
    if len(rows) < _SMALLEST:
        raise UsageError(f"{len(rows)} examples are too few for three splits.", hint=f"Ask for at least {_SMALLEST}.")
    part = max(1, len(rows) // 20)
    splits = {"train": rows[: -2 * part], "valid": rows[-2 * part : -part], "test": rows[-part:]}
    return write_dataset(folder, name, splits, recipe)
