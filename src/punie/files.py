"""JSONL with exact line numbers, atomic writes, content hashes."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import IO, Any

import msgspec

from punie.errors import CapacityError, DataError, UsageError

_BLOCK_BYTES = 1 << 20
_BUFFER_BYTES = 1 << 17
"""Written at a time: a sixteenth of the system calls that Python's own buffer takes."""


def read_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number from 1, row). Raises DataError at the first line that is not a JSON object."""
    with open_input(path) as lines:
        for number, line in enumerate(lines, start=1):
            yield number, decode_object(line, f"{path}:{number}")


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write rows atomically and return how many there were."""
    count = 0
    with atomic_writer(path) as out:
        for row in rows:
            out.write(msgspec.json.encode(row) + b"\n")
            count += 1
    return count


def append_jsonl(out: IO[bytes], row: Mapping[str, Any]) -> None:
    """Append one row and hand it to the system at once. Raises CapacityError where the disk is full."""
    with _explained(Path(str(out.name))):
        out.write(msgspec.json.encode(row) + b"\n")
        out.flush()


def open_to_append(path: Path) -> IO[bytes]:
    """Open a file that only grows, for one writer. Raises UsageError where another process has it open so."""
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise UsageError("Another process is writing here.", where=str(path)) from error
    return file


def whole_lines(file: IO[bytes]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Place and row of each line; half a line, left at the end by a killed writer or a full disk, is cut off."""
    path = Path(str(file.name))
    file.truncate(path.read_bytes().rfind(b"\n") + 1)
    for number, row in read_jsonl(path):
        yield f"{path}:{number}", row


def read_json(path: Path) -> dict[str, Any]:
    """Read one JSON object. Raises UsageError where the file is absent, DataError where it is broken."""
    with open_input(path) as file:
        return decode_object(file.read(), str(path))


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write one indented JSON document atomically."""
    with atomic_writer(path) as out:
        out.write(json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n")


def write_text(path: Path, text: str) -> None:
    with atomic_writer(path) as out:
        out.write(text.encode())


@contextmanager
def open_input(path: Path, buffering: int = -1) -> Generator[IO[bytes]]:
    """Open for reading; a missing or forbidden file is the user's to correct. `buffering` is in bytes."""
    try:
        file = path.open("rb", buffering=buffering)
    except FileNotFoundError as error:
        raise UsageError("The file does not exist.", where=str(path)) from error
    except OSError as error:
        raise UsageError(f"The file cannot be read: {error.strerror}.", where=str(path)) from error
    with file:
        yield file


@contextmanager
def open_output(path: Path) -> Generator[IO[bytes]]:
    """Open for writing, in a folder that does not have its final name yet. Raises CapacityError on a full disk."""
    with _explained(path), path.open("wb", buffering=_BUFFER_BYTES) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def atomic_writer(path: Path) -> Generator[IO[bytes]]:
    """A draft beside `path` that takes its name only when the block ends well. What a killed writer left is removed."""
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep_drafts(path)
        with _open_draft(path) as (out, draft):
            try:
                yield out
                out.flush()
                os.fsync(out.fileno())
                draft.replace(path)
            except BaseException:
                draft.unlink(missing_ok=True)
                raise


@contextmanager
def _open_draft(path: Path) -> Generator[tuple[IO[bytes], Path]]:
    """A new file that is locked until it is closed."""
    while True:
        draft = draft_of(path)
        with draft.open("xb") as out:
            hold(out.fileno())
            if draft.exists():  # Otherwise it was swept away before it was locked.
                yield out, draft
                return


def draft_of(path: Path) -> Path:
    """A hidden name beside the final one, each time another."""
    return path.with_name(f".{path.name}.{token_hex(4)}")


def hold(descriptor: int) -> None:
    """Lock a draft. The system lets the lock go with the process that holds it, however that ends."""
    with suppress(OSError):  # Some network drives have no locks; a draft there is never taken for abandoned.
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def sweep_drafts(path: Path) -> None:
    """Remove the drafts of a file or folder that nobody holds."""
    pattern = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}")
    for draft in [draft for draft in path.parent.iterdir() if pattern.fullmatch(draft.name)]:
        if _is_abandoned(draft):
            shutil.rmtree(draft, ignore_errors=True) if draft.is_dir() else draft.unlink(missing_ok=True)


def _is_abandoned(draft: Path) -> bool:
    with suppress(OSError):
        lock = os.open(draft, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(lock)
        return True
    return False


def copy_file(source: Path, target: Path) -> None:
    """Copy the content atomically."""
    with open_input(source) as file, atomic_writer(target) as out:
        shutil.copyfileobj(file, out)


def link_file(source: Path, target: Path) -> None:
    """The same file under another name, or a copy where that is on another disk."""
    try:
        target.hardlink_to(source.resolve())
    except OSError:
        copy_file(source, target)


def make_folder(path: Path) -> Path:
    """Create a folder and its parents. Raises UsageError where that is forbidden."""
    with _explained(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def hash_file(path: Path) -> str:
    """SHA-256 of the content, in hexadecimal."""
    digest = hashlib.sha256()
    with open_input(path) as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def hash_files(paths: Iterable[Path]) -> str:
    """SHA-256 over (name, content hash) of several files, independent of their order and folder."""
    return hash_names({path.name: hash_file(path) for path in paths})


def hash_names(hashes: Mapping[str, str]) -> str:
    """The same, where the content hash of each file is known by its name."""
    digest = hashlib.sha256()
    for name in sorted(hashes):
        digest.update(f"{name}\0{hashes[name]}\n".encode())
    return digest.hexdigest()


def hash_value(value: Any) -> str:
    """SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()


def decode_object(data: bytes, where: str) -> dict[str, Any]:
    """One JSON object from bytes. Raises DataError, with `where`, for anything else."""
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"Not valid JSON: {error}.", where=where, hint="Every line must be one JSON object.") from error
    if not isinstance(value, dict):
        raise DataError(f"A JSON object is needed here, not {type(value).__name__}.", where=where)
    return value


@contextmanager
def _explained(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            hint = "Nothing was left half-written. Make room, or choose another folder."
            what = (
                "A file may not get this large here" if error.errno == errno.EFBIG else "No space is left on the disk"
            )
            raise CapacityError(f"{what}.", where=str(path), hint=hint) from error
        raise UsageError(f"Cannot write here: {error.strerror}.", where=str(path)) from error
