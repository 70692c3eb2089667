"""A file of rows in blocks of whole lines, in constant memory whatever a line's length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from punie.files import open_input

MAX_ROW_BYTES = 16_000_000
"""Some four million tokens, which no model reads: a line this long is a document that was never cut into rows."""
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


def read_blocks(path: Path, limit: int = MAX_ROW_BYTES) -> Iterator[Block | LongLine]:
    """Every line of a file, in order; the lines longer than `limit` bytes stay unread. Raises UsageError."""
    line, byte, rest = 1, 0, b""
    with open_input(path) as file:
        while data := file.read(max(_BLOCK_BYTES, len(rest))):
            data = rest + data
            end = data.rfind(b"\n") + 1
            rest = data[end:]
            if end:
                whole = data[:end]
                lines = whole.split(b"\n")[:-1]
                yield Block(whole, lines, line, byte)
                line, byte = line + len(lines), byte + end
            if len(rest) > limit:
                size, rest = _pass_over(file, len(rest))
                yield LongLine(line, byte, size)
                line, byte = line + 1, byte + size + 1
        if rest:
            yield Block(rest, [rest], line, byte)


def _pass_over(file: IO[bytes], size: int) -> tuple[int, bytes]:
    """The whole size of a line of which `size` bytes are read, and what came with its end."""
    while data := file.read(_BLOCK_BYTES):
        if (end := data.find(b"\n")) >= 0:
            return size + end, data[end + 1 :]
        size += len(data)
    return size, b""
