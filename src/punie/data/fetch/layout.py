"""Which file of a hub repository holds which split. The hub has customs for this, and no rule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from punie.data.source import SPLITS
from punie.errors import DataError, UsageError

_KINDS = {".jsonl": 0, ".ndjson": 0, ".parquet": 1, ".json": 2}
_NO_ROWS = frozenset({"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "config.json"})
_SHARD = re.compile(r"(?P<split>.+?)-\d+-of-\d+")
_NAMED = re.compile(r"(?:^|[-_./])(train(?:ing)?|valid(?:ation)?|val|dev|eval|test(?:ing)?)(?=$|[-_./])", re.IGNORECASE)
_OURS = {"training": "train", "validation": "valid", "val": "valid", "dev": "valid", "eval": "valid", "testing": "test"}
_NO_SPLIT = frozenset({"data", "part", "chunk", "shard"})
_USUAL = ("", "default", "main")


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file with rows: its split, by our name where we have one, and its configuration, which is a folder or none."""

    path: str
    split: str
    config: str


def data_files(paths: Iterable[str]) -> tuple[HubFile, ...]:
    """The files that hold rows, in order of their names."""
    return tuple(_placed(path) for path in sorted(paths) if _kind(path) is not None and not _is_hidden(path))


def choose(files: Sequence[HubFile], split: str | None) -> Mapping[str, tuple[HubFile, ...]]:
    """Our splits with their files. A split that is asked for by name, or stands alone, becomes train.

    `split` is a split's name, or CONFIGURATION/NAME. Raises UsageError where the choice is not clear, naming what
    there is; DataError where no file holds rows.
    """
    if not files:
        raise DataError("The repository has no JSONL, JSON or Parquet file with rows.")
    if split is not None:
        return {"train": _one_kind(_asked(files, split))}
    files = _one_config(files)
    found = {ours: _one_kind([file for file in files if file.split == ours]) for ours in SPLITS}
    found = {ours: chosen for ours, chosen in found.items() if chosen}
    if "train" in found:
        return found
    if len({file.split for file in files}) > 1:
        raise UsageError("The repository has no train split.", hint=_offer(files))
    return {"train": _one_kind(files)}


def _asked(files: Sequence[HubFile], split: str) -> list[HubFile]:
    config, _, name = split.rpartition("/")
    chosen = [file for file in files if file.split == _ours(name) and config in ("", file.config)]
    if not chosen:
        raise UsageError(f"The repository has no split {split!r}.", hint=_offer(files))
    return chosen if config else list(_one_config(chosen))


def _one_config(files: Sequence[HubFile]) -> Sequence[HubFile]:
    configs = {file.config for file in files}
    config = next((usual for usual in _USUAL if usual in configs), None) if len(configs) > 1 else configs.pop()
    if config is None:
        raise UsageError("The repository has several configurations.", hint=_offer(files))
    return [file for file in files if file.config == config]


def _offer(files: Sequence[HubFile]) -> str:
    names = dict.fromkeys(f"{file.config}/{file.split}".lstrip("/") for file in files)
    return f"Give --split, one of: {', '.join(names)}."


def _one_kind(files: Sequence[HubFile]) -> tuple[HubFile, ...]:
    """Some repositories hold the same rows twice, in two kinds of file."""
    best = min((_kind(file.path) or 0 for file in files), default=0)
    return tuple(file for file in files if (_kind(file.path) or 0) == best)


def _kind(path: str) -> int | None:
    return _KINDS.get(PurePosixPath(path.removesuffix(".gz")).suffix)


def _is_hidden(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return parts[-1] in _NO_ROWS or any(part.startswith(".") for part in parts)


def _placed(path: str) -> HubFile:
    place = PurePosixPath(path)
    name = _split_of(place)
    folders = [part for part in place.parent.parts if part != "data" and _ours(part) != name]
    return HubFile(path, name, "/".join(folders))


def _split_of(place: PurePosixPath) -> str:
    shard = _SHARD.match(place.name)
    if shard is not None and shard["split"].lower() not in _NO_SPLIT:
        return _ours(shard["split"])
    stem = place.name.partition(".")[0]
    named = _NAMED.findall(stem) or _NAMED.findall(str(place.parent))
    return _ours(named[-1]) if named else "train"


def _ours(split: str) -> str:
    return _OURS.get(split.lower(), split)
