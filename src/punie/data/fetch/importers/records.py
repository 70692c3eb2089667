"""A file of records, whatever it is packed in: JSON lines, a JSON list, either of them gzipped, or Parquet."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import msgspec

from punie.data.blocks import MAX_ROW_BYTES, long_line
from punie.errors import DataError, UsageError
from punie.files import open_input

_BATCH_ROWS = 512


@dataclass(frozen=True, slots=True)
class Record:
    """`line` counts lines of a file of lines, and records of any other, from 1. `raw` is the record as JSON."""

    line: int
    raw: bytes


def read_records(path: Path) -> Iterator[Record]:
    """What the file is, its first bytes say. Raises DataError where it is broken, UsageError where it is not there."""
    with open_input(path) as file:
        start = file.read(4)
        file.seek(0)
        if start == b"PAR1":
            yield from _parquet(path)
        elif start.startswith(b"\x1f\x8b"):
            yield from _unpacked(path, file)
        else:
            yield from _json(path, file)


def count_records(lines: Iterable[bytes], where: str) -> Iterator[Record]:
    """Lines as records. Raises DataError, with `where`, at a line that is too long for a row."""
    for number, line in enumerate(lines, start=1):
        raw = line.rstrip(b"\r\n")
        if len(raw) > MAX_ROW_BYTES:
            raise long_line(f"{where}:{number}")
        yield Record(number, raw)


def _unpacked(path: Path, file: IO[bytes]) -> Iterator[Record]:
    try:
        with gzip.open(file) as unpacked:
            yield from _json(path, unpacked)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"The gzip file is broken: {error}.", where=str(path), hint="Fetch it again.") from error


def _json(path: Path, file: Any) -> Iterator[Record]:
    start = file.read(64).lstrip()[:1]
    file.seek(0)
    yield from _listed(path, file.read()) if start == b"[" else count_records(_bounded(file), str(path))


def _bounded(file: IO[bytes]) -> Iterator[bytes]:
    """Lines, of which no more is read than shows that one is too long."""
    return iter(partial(file.readline, MAX_ROW_BYTES + 2), b"")


def _listed(path: Path, data: bytes) -> Iterator[Record]:
    try:
        records = msgspec.json.decode(data, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"Not valid JSON: {error}.", where=str(path), hint="It begins like one JSON list.") from error
    for number, record in enumerate(records, start=1):
        yield Record(number, b" ".join(bytes(record).splitlines()))


def _parquet(path: Path) -> Iterator[Record]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        hint = "Install it with: pip install 'punie[parquet]'"
        raise UsageError("This file is Parquet, which needs pyarrow.", where=str(path), hint=hint) from error
    number = 0
    try:
        with closing(parquet.ParquetFile(path)) as table:
            for batch in table.iter_batches(_BATCH_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    yield Record(number, msgspec.json.encode(row))
    except pyarrow.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"The Parquet file is broken: {reason}", where=str(path), hint="Fetch it again.") from error


def columns_of(record: Record) -> list[str]:
    """The keys of a record; none where it is no JSON object."""
    try:
        value = msgspec.json.decode(record.raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    return list(value) if isinstance(value, dict) else []
