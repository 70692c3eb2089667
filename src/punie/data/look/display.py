"""One row, found again and taken apart for a reader."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from punie.data.schema import SHAPE_KEYS, row_shape
from punie.data.source import SourceRow, decode_row, open_source, read_lines
from punie.errors import UsageError


@dataclass(frozen=True, slots=True)
class Part:
    """Something a row says, and what it is: a role, a call, a field."""

    label: str
    text: str


def show(path: Path, split: str = "train", line: int | None = None, identity: str | None = None) -> SourceRow:
    """The row at a line, counted from 1, or the first with this id, whether that is written as text or as a number.

    Raises UsageError where there is no such split, line or id, DataError at a line that is not a JSON object.
    """
    source = open_source(path)
    if split not in source.splits:
        raise UsageError(
            f"There is no {split} split here.", where=str(path), hint=f"Splits: {', '.join(source.splits)}."
        )
    file = source.splits[split]
    for number, raw in read_lines(file):
        if identity is None and number != (line or 1):
            continue
        row = SourceRow(split, file, number, raw, decode_row(raw, f"{file}:{number}"))
        if identity is None or ("id" in row.row and str(row.row["id"]) == identity):
            return row
    wanted = f"line {line or 1}" if identity is None else f"row with the id {identity!r}"
    raise UsageError(f"There is no {wanted}.", where=str(file))


def row_parts(row: Mapping[str, Any]) -> Iterator[Part]:
    """What is taught first, in its order, then everything else that the row carries."""
    shape = row_shape(row)
    if shape == "chat":
        yield from _chat_parts(row)
    elif shape != "unknown":
        yield from (Part(key, _spelt(row[key])) for key in SHAPE_KEYS[shape] if key in row)
    used = SHAPE_KEYS.get(shape, ())
    yield from (Part(key, _spelt(value)) for key, value in row.items() if key not in used)


def _chat_parts(row: Mapping[str, Any]) -> Iterator[Part]:
    for tool in row.get("tools") or ():
        yield Part("tool declared", _spelt(tool))
    for message in row["messages"] if isinstance(row["messages"], list) else ():
        if not isinstance(message, dict):
            yield Part("no message", _spelt(message))
            continue
        calls = message.get("tool_calls") or ()
        if message.get("content") or not calls:
            yield Part(str(message.get("role")), _spelt(message.get("content")))
        yield from (Part(f"{message.get('role')} calls", _spelt_call(call)) for call in calls)


def _spelt_call(call: Any) -> str:
    """`name(path="a.py")` where the call has a name and arguments, else the call as JSON."""
    function = call.get("function", call) if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("arguments"), dict):
        return _spelt(call)
    arguments = [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in function["arguments"].items()]
    return f"{function.get('name')}({', '.join(arguments)})"


def _spelt(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
