"""The models and adapters on this machine, by the time that is recorded of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from punie.report.journal import read_journal
from punie.workspace import EMBEDDED_MODEL, embedded_model

_ADAPTERS, _MODELS = Path("adapters"), Path("models")


@dataclass(frozen=True, slots=True)
class Shelved:
    """`name` is what a command takes; `size` is in bytes."""

    kind: str
    name: str
    state: str
    recorded: datetime
    size: int


def shelf() -> list[Shelved]:
    """Adapters in `adapters`, models in `models` and in the hub's cache, the newest first; then the embedded model."""
    found = sorted((*_adapters(), *_models(), *_cached()), key=lambda one: one.recorded, reverse=True)
    return [*found, _local(EMBEDDED_MODEL, embedded_model(), "comes along")]


def _adapters() -> Iterator[Shelved]:
    if not _ADAPTERS.is_dir():
        return
    journal = read_journal([_ADAPTERS])
    states = [(training.place, "done") for training in journal.trainings if training.place.folder.is_dir()]
    states += [(unfinished.place, unfinished.reason) for unfinished in journal.unfinished]
    for place, state in states:
        yield Shelved("adapter", os.path.relpath(place.folder), state, place.recorded, _size(place.folder))


def _models() -> Iterator[Shelved]:
    for config in _MODELS.glob("*/config.json"):
        whole = any(config.parent.glob("model*.safetensors"))
        yield _local(str(config.parent), config.parent, "done" if whole else "without weights")


def _local(name: str, folder: Path, state: str) -> Shelved:
    files = [path for path in folder.iterdir() if path.is_file()]
    changed = max(path.stat().st_mtime for path in files)
    return Shelved("model", name, state, datetime.fromtimestamp(changed, UTC), _size(folder))


def _cached() -> Iterator[Shelved]:
    from huggingface_hub import constants, scan_cache_dir

    if not Path(constants.HF_HUB_CACHE).is_dir():
        return
    for cached in scan_cache_dir(constants.HF_HUB_CACHE).repos:
        if cached.repo_type == "model":
            when = datetime.fromtimestamp(cached.last_modified, UTC)
            commits = ", ".join(sorted(revision.commit_hash[:8] for revision in cached.revisions))
            yield Shelved("hub", cached.repo_id, f"at {commits}" if commits else "not whole", when, cached.size_on_disk)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
