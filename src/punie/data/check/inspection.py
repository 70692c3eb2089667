"""One file, row by row: sound ones are counted, the others are explained.

The rows of a block are decoded into typed values and their keys are counted together. A row that does not decode, and
every row of a block that has more keys than were decoded, is looked at alone; the precise checker reads what is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET

from punie.data.blocks import TOO_LONG, TOO_LONG_ADVICE, Block, LongLine
from punie.data.check.diagnosis import Fault, diagnose
from punie.data.check.keys import bound_of_keys, count_keys, count_row_keys, read_distinct
from punie.data.rows import REFUSALS, Row, is_sound, row_type
from punie.data.schema import SHAPE_KEYS, row_shape

_MOST_EXTRAS = 64


@dataclass(slots=True)
class Tally:
    """Rows of a file: all, by shape, and those that failed."""

    rows: int = 0
    failed: int = 0
    shapes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault and its place; `line` counts from 1, `byte` from the start of the file."""

    file: str
    line: int
    byte: int
    path: str
    rule: str
    value: str
    message: str
    fix: str

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"


class Inspector:
    """Looks at the blocks of one file. `tally` grows; the file's shape is that of its first sound row."""

    def __init__(self, file: Path) -> None:
        self._file = str(file)
        self._shape: str | None = None
        self._extras: tuple[str, ...] = ()
        self._prepare(())
        self.tally = Tally()

    def inspect(self, block: Block | LongLine) -> Iterator[Problem]:
        """The problems of the next block."""
        if isinstance(block, LongLine):
            self.tally.rows += 1
            self.tally.failed += 1
            yield _too_long(self._file, block)
            return
        self.tally.rows += len(block.lines)
        odd = self._sift(block)
        byte = block.byte
        for index, line in enumerate(block.lines) if odd else ():
            if index in odd:
                yield from self._explain(line, block.line + index, byte)
            byte += len(line) + 1

    def _sift(self, block: Block) -> set[int]:
        """Count the rows that are sound for certain, and tell which ones are not, by index.

        Where all keys are accounted for nothing was passed over, so the decoder has also seen that all text is UTF-8.
        """
        decode, extra_values, shape, lines = self._decode, self._extra_values, self._shape, block.lines
        keys, tools, odd = 0, 0, set[int]()
        for index, line in enumerate(lines):
            try:
                row = decode(line)
            except REFUSALS:
                odd.add(index)
                continue
            if row.shape == shape and is_sound(row):
                keys += count_row_keys(row) + _count_extras(extra_values(row))
                tools += bool(row.tools)
            else:
                odd.add(index)
        data = b"\n".join(line for index, line in enumerate(lines) if index not in odd) if odd else block.data
        if keys != bound_of_keys(data):
            return set(range(len(lines)))
        if shape is not None:
            self.tally.shapes.update({shape: len(lines) - len(odd) - tools, f"{shape} with tools": tools})
        return odd

    def _explain(self, line: bytes, number: int, byte: int) -> Iterator[Problem]:
        shape, faults = self._examine(line)
        if faults:
            self.tally.failed += 1
            yield from (_problem(self._file, number, byte, fault) for fault in faults)
        else:
            self.tally.shapes[shape] += 1

    def _examine(self, line: bytes) -> tuple[str, tuple[Fault, ...]]:
        """The shape of a row, and its faults."""
        if (shape := self._quick_shape(line)) is None:
            diagnosis = diagnose(line)
            if diagnosis.faults:
                return "", diagnosis.faults
            shape = _full_shape(diagnosis.value)
        return shape, self._mixed(shape)

    def _quick_shape(self, line: bytes) -> str | None:
        """The shape of a sound row; None where the precise checker must decide."""
        try:
            row, value = self._decode(line), read_distinct(line.decode())
        except (*REFUSALS, ValueError):
            return None
        shape = row_shape(value)
        if not is_sound(row) or row.shape != shape:
            return None
        self._learn(value)
        return _full_shape(value)

    def _mixed(self, shape: str) -> tuple[Fault, ...]:
        """mlx-lm reads a whole file in the shape of its first row."""
        plain = shape.removesuffix(" with tools")
        self._shape = self._shape or plain
        if plain == self._shape:
            return ()
        message = f"is a {plain} row in a file that begins with a {self._shape} row"
        return (Fault("mixed-shapes", 0, "$", plain, message, "Put it into a dataset of its own."),)

    def _learn(self, value: dict[str, Any]) -> None:
        """Keys beside those of the shapes are decoded from now on, so that they can be counted."""
        known = {*Row.__struct_fields__, *self._extras}
        new = [key for key in value if key not in known]
        if new and len(self._extras) + len(new) <= _MOST_EXTRAS:
            self._prepare((*self._extras, *new))

    def _prepare(self, extras: tuple[str, ...]) -> None:
        self._extras = extras
        self._decode: Callable[[bytes], Row] = msgspec.json.Decoder(row_type(extras)).decode
        self._extra_values = _getter(len(extras))


def _getter(count: int) -> Callable[[Row], tuple[Any, ...]]:
    """A function to the values of that many extra attributes; attrgetter makes a tuple of two or more alone."""
    if not count:
        return lambda row: ()
    values = attrgetter(*(f"extra_{index}" for index in range(count)))
    return values if count > 1 else lambda row: (values(row),)


def _count_extras(values: tuple[Any, ...]) -> int:
    """Keys that are there, with the keys inside."""
    count = 0
    for value in values:
        if value is not UNSET:
            count += 1
            if type(value) is dict or type(value) is list:
                count += count_keys(value)
    return count


def _full_shape(value: dict[str, Any]) -> str:
    shape = row_shape(value)
    return f"{shape} with tools" if "tools" in SHAPE_KEYS[shape] and value.get("tools") else shape


def _problem(file: str, line: int, byte: int, fault: Fault) -> Problem:
    return Problem(file, line, byte + fault.byte, fault.path, fault.rule, fault.value, fault.message, fault.fix)


def _too_long(file: str, line: LongLine) -> Problem:
    return Problem(file, line.line, line.byte, "$", "line-too-long", "", TOO_LONG, TOO_LONG_ADVICE)
