"""`punie dataset import`: a file of a known format as a dataset, with a line in the ledger for each row left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from punie.data.dataset import Manifest, Parent
from punie.data.fetch.importers import bfcl
from punie.data.fetch.importers.benchmarks import convert_humaneval, convert_kodcode, convert_mbpp
from punie.data.fetch.importers.chats import convert_alpaca, convert_openai, convert_sharegpt
from punie.data.fetch.importers.glaive import convert_glaive
from punie.data.fetch.importers.records import Record, read_records
from punie.data.fetch.importers.row import CannotImport, Convert, Source
from punie.data.fetch.importers.strandset import convert_strandset
from punie.data.ledger import Removal, row_hash
from punie.data.progress import Progress, unheard, watched
from punie.data.schema import row_problem
from punie.data.writer import DatasetWriter
from punie.errors import UsageError
from punie.files import hash_file

RULE = "cannot be imported"
BFCL = "bfcl"
CONVERTERS: dict[str, Convert] = {
    "alpaca": convert_alpaca,
    "glaive": convert_glaive,
    "humaneval": convert_humaneval,
    "kodcode": convert_kodcode,
    "mbpp": convert_mbpp,
    "openai": convert_openai,
    "sharegpt": convert_sharegpt,
    "strandset": convert_strandset,
}
_Shape = TypeVar("_Shape")

FORMATS = tuple(sorted([*CONVERTERS, BFCL]))


def import_(format: str, path: Path, output: Path, progress: Progress = unheard) -> Manifest:
    """Write every row of the file that can be taught from as the split train of a new dataset.

    Raises UsageError at an unknown format or file, DataError where the file is broken or nothing can be imported.
    """
    convert = _converter(format, path)
    writer = DatasetWriter(output, recipe={"command": "import", "format": format, "file": path.name})
    parent = Parent(path=str(path), fingerprint=hash_file(path), rows=sum(1 for _ in read_records(path)))
    writer.parents = (parent,)
    with writer:
        records = watched(read_records(path), progress, "importing", parent.rows)
        write_records(writer, "train", records, convert, source=str(path), wanted=f"a row of {format}")
        writer.rows_in = parent.rows
    assert writer.manifest is not None
    return writer.manifest


def write_records(
    writer: DatasetWriter,
    split: str,
    records: Iterable[Record],
    convert: Convert,
    *,
    source: str,
    wanted: str,
    limit: int | None = None,
) -> int:
    """Write up to `limit` rows, and the ledger's lines for those that cannot be imported. Returns the records read."""
    read = kept = 0
    for record in records:
        read += 1
        try:
            writer.write(split, msgspec.json.encode(convert_record(record, convert)))
            kept += 1
        except CannotImport as error:
            writer.remove(Removal(source, record.line, row_hash(record.raw), RULE, str(error), wanted))
        if kept == limit:
            break
    return read


def convert_record(record: Record, convert: Convert) -> dict[str, Any]:
    """The row of a record. Raises CannotImport with the reason, for whatever a stranger's record may hold."""
    row = read_shape(record, convert)
    if problem := row_problem(row):
        raise CannotImport(problem)
    return row


def read_shape(record: Record, convert: Callable[[Source], _Shape]) -> _Shape:
    """What a record is made into. Raises CannotImport where it is not JSON, or not what `convert` needs."""
    try:
        value = msgspec.json.decode(record.raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CannotImport(f"not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise CannotImport("not a JSON object")
    try:
        return convert(value)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        # The format promises these fields; this record does not have them, or has something else under their names.
        raise CannotImport(f"not of the format's shape: {type(error).__name__}: {error}") from error


def _converter(format: str, path: Path) -> Convert:
    if format == BFCL:
        return bfcl.converter_beside(path)
    if format not in CONVERTERS:
        close = get_close_matches(format, FORMATS, 1)
        meant = f"Did you mean {close[0]}? " if close else ""
        raise UsageError(f"There is no format called {format!r}.", hint=f"{meant}Known: {', '.join(FORMATS)}.")
    return CONVERTERS[format]
