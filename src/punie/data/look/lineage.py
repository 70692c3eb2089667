"""The steps that made a dataset, as far as the folders of its ancestors are still there and are what they were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from punie.data.dataset import MANIFEST, Manifest, read_manifest


@dataclass(frozen=True, slots=True)
class Step:
    """A command that wrote a dataset. `rows_in` is None where it had no parent: it made or fetched the rows."""

    command: str
    folder: str
    rows_in: int | None
    rows: int
    removed: int
    benchmarks: tuple[str, ...]
    """What its rows were compared with, and rid of."""


def lineage(folder: Path, manifest: Manifest) -> tuple[Step, ...]:
    """The oldest step first; that of `manifest`, which lies in `folder`, is the last."""
    return tuple(dict.fromkeys(_steps(folder, manifest)))


def _steps(folder: Path, manifest: Manifest) -> Iterator[Step]:
    for parent in manifest.parents:
        if (Path(parent.path) / MANIFEST).is_file():
            found = read_manifest(Path(parent.path))
            if found.fingerprint == parent.fingerprint:
                yield from _steps(Path(parent.path), found)
    yield Step(
        command=str(manifest.recipe.get("command", "made")),
        folder=str(folder.resolve()),
        rows_in=sum(parent.rows for parent in manifest.parents) if manifest.parents else None,
        rows=sum(manifest.counts.values()),
        removed=sum(manifest.removed.values()),
        benchmarks=tuple(_benchmarks(manifest.recipe)),
    )


def _benchmarks(recipe: dict[str, Any]) -> Iterator[str]:
    """As `decontaminate` names them in its recipe, or a recipe of `build` in its own."""
    for part in (recipe, recipe.get("decontaminate")):
        if isinstance(part, dict):
            yield from map(str, part.get("against", ()))
