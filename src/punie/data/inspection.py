"""One file, row by row: sound ones are counted, the others are explained.

A block of rows is decoded into typed values and its keys are counted; a block in which anything is odd is gone through
again row by row, and only a row that still has no explanation is read by the precise checker.
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

from punie.data.blocks import Block, LongLine
from punie.data.diagnosis import Fault, diagnose
from punie.data.keys import bound_of_keys, count_keys, count_row_keys, read_distinct
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
        if (shapes := self._all_sound(block)) is not None:
            self.tally.shapes.update(shapes)
        else:
            yield from self._one_by_one(block)

    def _all_sound(self, block: Block) -> Counter[str] | None:
        """The shapes of a block's rows, or None if one of them needs a closer look."""
        decode, extra_values, first = self._decode, self._extra_values, self._shape
        keys, tools = 0, 0
        try:
            if not block.data.isascii():
                block.data.decode()
            for line in block.lines:
                row = decode(line)
                if not is_sound(row) or row.shape != first:
                    return None
                keys += count_row_keys(row) + _count_extras(extra_values(row))
                tools += bool(row.tools)
        except REFUSALS:
            return None
        if keys != bound_of_keys(block.data):
            return None
        return +Counter({str(first): len(block.lines) - tools, f"{first} with tools": tools})

    def _one_by_one(self, block: Block) -> Iterator[Problem]:
        byte = block.byte
        for number, line in enumerate(block.lines, start=block.line):
            shape, faults = self._examine(line)
            if faults:
                self.tally.failed += 1
                yield from (_problem(self._file, number, byte, fault) for fault in faults)
            else:
                self.tally.shapes[shape] += 1
            byte += len(line) + 1

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
    names = [f"extra_{index}" for index in range(count)]
    return attrgetter(*names) if count > 1 else lambda row: tuple(getattr(row, name) for name in names)


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
    message = f"is {line.size / 1e6:.0f} MB long, which is more than a row may have"
    fix = "If this is one JSON document, write each of its rows on a line."
    return Problem(file, line.line, line.byte, "$", "line-too-long", "", message, fix)
