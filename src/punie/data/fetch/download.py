"""`punie dataset download`: rows of a hub dataset, at a commit that is written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

from punie.data.dataset import Manifest
from punie.data.fetch.hub import Repository, open_repository, stream_records
from punie.data.fetch.importers.columns import mapped, recognise
from punie.data.fetch.importers.formats import CONVERTERS, write_records
from punie.data.fetch.importers.records import Record, columns_of
from punie.data.fetch.importers.row import Convert
from punie.data.fetch.layout import choose, data_files
from punie.data.fetch.shortcuts import SHORTCUTS, Shortcut
from punie.data.progress import Progress, Step, unheard, watched
from punie.data.writer import DatasetWriter
from punie.errors import DataError, UsageError

_EMBEDDED = ("sample", "tiny")
_OTHER_SPLITS_SHARE = 20
_SPLIT = "{split}"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rows: `split` as `punie.data.fetch.layout.choose` takes it, `columns` from our fields to the source's."""

    name: str
    maximum: int = 1000
    split: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A file or an address, and its records, not read yet."""

    place: str
    records: Callable[[], Iterator[Record]]


def download(asked: Asked, output: Path, progress: Progress = unheard) -> Manifest:
    """Write up to `asked.maximum` rows: all of train, or 90 % of it with 5 % of each other split there is.

    Raises UsageError where the name, split or revision is unknown or the hub says no; DataError where the columns do
    not tell what to learn from, or no row can be imported; CapacityError on a full disk.
    """
    shortcut = find_shortcut(asked.name)
    with DatasetWriter(output, name=asked.name, recipe={}) as writer:
        repository = open_repository(shortcut.repository, asked.revision)
        parts = _parts(repository, shortcut, asked.split or shortcut.split)
        writer.recipe = {
            **_recipe(asked, shortcut, repository),
            "files": _write(writer, parts, shortcut, asked, progress),
        }
    assert writer.manifest is not None
    return writer.manifest


def find_shortcut(name: str) -> Shortcut:
    """A shortcut by name in any case, or a repository by its id. Raises UsageError at anything else."""
    if "/" in name:
        return Shortcut(name, "see its card")
    if name.lower() not in SHORTCUTS:
        known = [*_EMBEDDED, *SHORTCUTS]
        close = get_close_matches(name.lower(), known, 1)
        meant = f"Did you mean {close[0]}? " if close else ""
        hint = f"{meant}Known: {', '.join(known)}; or a hub dataset like org/name."
        raise UsageError(f"There is no dataset called {name!r}.", hint=hint)
    return SHORTCUTS[name.lower()]


def _parts(repository: Repository, shortcut: Shortcut, split: str | None) -> dict[str, list[Part]]:
    if shortcut.addresses:
        if split is not None and _SPLIT not in shortcut.addresses:
            raise UsageError(f"The dataset {repository.id!r} has no splits to choose from.")
        return {"train": _addressed(repository, shortcut.addresses.replace(_SPLIT, split or ""), shortcut.part)}
    chosen = choose(data_files(repository.paths), split)
    return {ours: [_file(repository, file.path) for file in files] for ours, files in chosen.items()}


def _file(repository: Repository, path: str) -> Part:
    return Part(path, lambda: repository.records(path))


def _addressed(repository: Repository, listing: str, part: str) -> list[Part]:
    if listing not in repository.paths:
        raise UsageError(f"The dataset {repository.id!r} has no list of addresses called {listing}.")
    addresses = [line.strip() for line in repository.fetch(listing).read_text(encoding="utf-8").splitlines()]
    return [_address(repository, address) for address in addresses if address and part in address]


def _address(repository: Repository, address: str) -> Part:
    return Part(address, lambda: stream_records(address, repository.id))


def _write(
    writer: DatasetWriter, parts: Mapping[str, list[Part]], shortcut: Shortcut, asked: Asked, progress: Progress
) -> list[str]:
    """The files that were read, in order."""
    read: list[str] = []
    writer.rows_in = 0
    for split, limit in _limits(list(parts), asked.maximum).items():
        for part in parts[split]:
            if limit <= writer.counts[split]:
                break
            read.append(part.place)
            what = f"downloading {PurePosixPath(part.place).name}"
            progress(Step(what, writer.counts.total(), asked.maximum, "rows"))
            convert, records = _recognised(part, shortcut, asked)
            records = watched(
                records, lambda step: progress(replace(step, done=writer.counts.total())), what, asked.maximum
            )
            left, wanted = limit - writer.counts[split], f"a row of {asked.name}"
            writer.rows_in += write_records(
                writer, split, records, convert, source=part.place, wanted=wanted, limit=left
            )
    return read


def _limits(splits: list[str], maximum: int) -> dict[str, int]:
    names = [split for split in splits if split != "train"]
    share = min(max(1, maximum // _OTHER_SPLITS_SHARE), (maximum - 1) // 2)
    return {"train": maximum - share * len(names), **dict.fromkeys(names, share)}


def _recognised(part: Part, shortcut: Shortcut, asked: Asked) -> tuple[Convert, Iterator[Record]]:
    """How to read a part's records, and all of them."""
    records = part.records()
    first = next(records, None)
    if first is None:
        return mapped({}, asked.name), iter(())
    columns = columns_of(first)
    return _converter(columns, shortcut, asked), chain([first], records)


def _converter(columns: list[str], shortcut: Shortcut, asked: Asked) -> Convert:
    chosen = asked.columns or shortcut.columns
    if not chosen:
        return CONVERTERS[shortcut.format] if shortcut.format else recognise(columns, asked.name)
    missing = [theirs for theirs in chosen.values() if theirs not in columns]
    if missing:
        raise DataError(
            f"There is no column {' and no column '.join(missing)} in {asked.name}.",
            hint=f"The columns are: {', '.join(columns)}.",
        )
    return mapped(chosen, asked.name, shortcut.licence)


def _recipe(asked: Asked, shortcut: Shortcut, repository: Repository) -> dict[str, Any]:
    return {
        "command": "download",
        "dataset": repository.id,
        "commit": repository.commit,
        "revision": asked.revision,
        "split": asked.split or shortcut.split,
        "columns": dict(asked.columns or shortcut.columns),
        "format": "" if asked.columns else shortcut.format,
        "licence": shortcut.licence,
        "max": asked.maximum,
    }
