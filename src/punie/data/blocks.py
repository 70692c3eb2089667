"""A file of rows in blocks of whole lines, in constant memory whatever a line's length."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from punie.errors import DataError
from punie.files import open_input

MAX_ROW_BYTES = 16_000_000
"""Some four million tokens, which no model reads: a line this long is a document that was never cut into rows."""
TOO_LONG = f"is longer than the {MAX_ROW_BYTES // 1_000_000} MB that a row may have"
TOO_LONG_ADVICE = "If this is one JSON document, write each of its rows on a line."
_BLOCK_BYTES = 1 << 16
"""What is made of a block stays in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines, the first of which is line `line`, at `byte` of the file."""

    data: bytes
    lines: list[bytes]
    """Without their ends. Lines end at LF alone, so a lone CR or U+2028 stays inside a row."""
    line: int
    byte: int

    @property
    def size(self) -> int:
        return len(self.data)


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line nobody should load; `size` in bytes."""

    line: int
    byte: int
    size: int

    def refused(self, path: Path) -> DataError:
        """For those who cannot go on without it."""
        return long_line(f"{path}:{self.line}")


def read_blocks(path: Path, limit: int = MAX_ROW_BYTES) -> Iterator[Block | LongLine]:
    """Every line of a file, in order; the lines longer than `limit` bytes stay unread. Raises UsageError."""
    line, byte, rest = 1, 0, b""
    with open_input(path) as file:
        # No read goes beyond what one line may have, so a line that ends within it is not too long.
        while data := file.read(min(max(_BLOCK_BYTES, len(rest)), limit + 1 - len(rest))):
            data = rest + data
            end = data.rfind(b"\n") + 1
            rest = data[end:]
            if end:
                whole = data[:end]
                lines = whole.split(b"\n")[:-1]
                yield Block(whole, lines, line, byte)
                line, byte = line + len(lines), byte + end
            if len(rest) > limit:
                size, rest = len(rest) + pass_over(file), b""
                yield LongLine(line, byte, size)
                line, byte = line + 1, byte + size + 1
        if rest:
            yield Block(rest, [rest], line, byte)


def long_line(where: str) -> DataError:
    """The one sentence about a line that is too long."""
    return DataError(f"The line {TOO_LONG}.", where=where, hint=TOO_LONG_ADVICE)


def pass_over(file: IO[bytes]) -> int:
    """The bytes that are left of a line; what is read next is the line after it."""
    size = 0
    while data := file.read(_BLOCK_BYTES):
        if (end := data.find(b"\n")) >= 0:
            file.seek(end + 1 - len(data), os.SEEK_CUR)
            return size + end
        size += len(data)
    return size
