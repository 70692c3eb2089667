"""Where rows come from: a dataset folder or one JSONL file, read as lines of bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from punie.data.blocks import LongLine, read_blocks
from punie.data.check.diagnosis import refused
from punie.data.progress import Progress, unheard, watched
from punie.data.schema import row_label
from punie.errors import UsageError
from punie.files import hash_file, hash_value

SPLITS = ("train", "valid", "test")

_ADVICE = "Give a dataset folder, which has a train.jsonl, or one .jsonl file."


@dataclass(frozen=True, slots=True)
class Source:
    """The splits that are there, in the order train, valid, test. A single file is the split train."""

    root: Path
    splits: Mapping[str, Path]

    @property
    def name(self) -> str:
        return self.root.stem if self.root.suffix == ".jsonl" else self.root.name

    @property
    def size(self) -> int:
        """Bytes of all splits."""
        return sum(path.stat().st_size for path in self.splits.values())

    def hashes(self) -> dict[str, str]:
        """SHA-256 of each split's content."""
        return {split: hash_file(path) for split, path in self.splits.items()}

    def fingerprint(self) -> str:
        """What these rows are, whatever they are called: a hash over the splits' hashes."""
        return hash_value(self.hashes())


def open_source(path: Path) -> Source:
    """Raises UsageError where there is neither a folder with train.jsonl nor a regular .jsonl file."""
    if path.is_dir():
        splits = {split: path / f"{split}.jsonl" for split in SPLITS if (path / f"{split}.jsonl").exists()}
        for file in splits.values():
            _require_regular(file)
        if "train" not in splits:
            raise UsageError(
                "There is no train.jsonl here.", where=str(path), hint="Give a dataset folder or a .jsonl."
            )
        return Source(path, splits)
    if not path.exists():
        raise UsageError("There is no such dataset.", where=str(path), hint=_ADVICE)
    _require_regular(path)
    return Source(path, {"train": path})


def _require_regular(path: Path) -> None:
    if not path.is_file():
        raise UsageError(
            "This is neither a folder nor a regular file.", where=str(path), hint="Save it as a file first."
        )


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(line number from 1, line without its end). Raises DataError at a line that is too long to be a row."""
    for block in read_blocks(path):
        if isinstance(block, LongLine):
            raise block.refused(path)
        yield from enumerate(block.lines, start=block.line)


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row with its place and its bytes."""

    split: str
    path: Path
    number: int
    raw: bytes
    row: dict[str, Any]

    @property
    def where(self) -> str:
        return f"{self.path}:{self.number}"

    def label(self, name: str) -> Any:
        return row_label(self.row, name)


def decode_row(raw: bytes, where: str) -> dict[str, Any]:
    """Raises DataError, with `where`, for anything but a JSON object."""
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise refused(raw, where) from error
    if not isinstance(value, dict):
        raise refused(raw, where)
    return value


def read_rows(source: Source, progress: Progress = unheard, what: str = "reading") -> Iterator[SourceRow]:
    """Every row of every split. Raises DataError at the first line that is not a JSON object."""
    rows = (
        SourceRow(split, path, number, raw, decode_row(raw, f"{path}:{number}"))
        for split, path in source.splits.items()
        for number, raw in read_lines(path)
    )
    return watched(rows, progress, what, source.size, lambda row: len(row.raw) + 1)
