"""The models and adapters on this machine, by the time that is recorded of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from punie.errors import DataError
from punie.files import read_json
from punie.moments import changed, read_moment
from punie.report.journal import read_journal
from punie.training.adapter import TRAINING
from punie.workspace import EMBEDDED_MODEL, PROOF, embedded_model

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
    embedded = embedded_model()
    return [*found, Shelved("model", EMBEDDED_MODEL, "comes along", _newest_file(embedded), _size(embedded))]


def _adapters() -> Iterator[Shelved]:
    journal = read_journal([_ADAPTERS])
    states = [(training.place, "done") for training in journal.trainings if training.place.folder.is_dir()]
    states += [(unfinished.place, unfinished.reason) for unfinished in journal.unfinished]
    for place, state in states:
        yield Shelved("adapter", os.path.relpath(place.folder), state, place.recorded, _size(place.folder))


def _models() -> Iterator[Shelved]:
    """Quantized ones lie a folder deeper; what a pretraining left that is not at its end is a model to be."""
    made = read_journal([_MODELS])
    finished = {training.place.folder.parent: training.place.recorded for training in made.trainings}
    for config in (*_MODELS.glob("*/config.json"), *_MODELS.glob("*/*-bit/config.json")):
        folder = config.parent
        recorded = _proven(folder) or finished.get(folder.resolve()) or _newest_file(folder)
        whole = any(folder.glob("model*.safetensors"))
        yield Shelved("model", str(folder), "done" if whole else "without weights", recorded, _size(folder))
    for one in made.unfinished:
        folder = one.place.folder.parent
        if one.place.folder.name == TRAINING and not (folder / "config.json").is_file():
            yield Shelved("model", os.path.relpath(folder), one.reason, one.place.recorded, _size(folder))


def _proven(folder: Path) -> datetime | None:
    """When its proof says that it was made; None where there is none that can be read."""
    for place in (folder, folder.parent):
        if (place / PROOF).is_file():
            try:
                return read_moment(str(read_json(place / PROOF).get("created")), place / PROOF)
            except DataError:
                return None
    return None


def _newest_file(folder: Path) -> datetime:
    return max(changed(path) for path in folder.iterdir() if path.is_file())


def _cached() -> Iterator[Shelved]:
    from huggingface_hub import constants, scan_cache_dir

    if not Path(constants.HF_HUB_CACHE).is_dir():
        return
    for cached in scan_cache_dir(constants.HF_HUB_CACHE).repos:
        if cached.repo_type == "model":
            when = datetime.fromtimestamp(cached.last_modified, UTC)
            newest_first = sorted(cached.revisions, key=lambda revision: revision.last_modified, reverse=True)
            commits = ", ".join(revision.commit_hash[:8] for revision in newest_first)
            yield Shelved("hub", cached.repo_id, f"at {commits}" if commits else "not whole", when, cached.size_on_disk)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
