"""Times as records have them: text that is written once and compared later."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from punie.errors import DataError


def now() -> str:
    """To the millisecond: two short runs of one second keep their order."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def read_moment(text: str, where: Path) -> datetime:
    """In UTC, which a time without a zone is taken for. Raises DataError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise DataError(f"{text!r} is no time.", where=str(where)) from error
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def changed(path: Path) -> datetime:
    """When the content of a file was last written, as far as its file system knows."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
