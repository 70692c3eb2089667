"""Does an object name a key twice? JSON readers keep the last value in silence; counting keys shows it.

Two counts are compared for a whole block of rows: the keys a decoder kept, and the places in the bytes that look like
the end of a key. The second is never below the number of keys that are there, so where both agree no key stands twice.
"""

from __future__ import annotations

import json
import math
from typing import Any

from msgspec.structs import astuple

from punie.data.rows import Row, ToolCall
from punie.errors import DataError

_QUOTE, _COLON, _SPACE, _BACKSLASH = b'": \\'


def bound_of_keys(data: bytes) -> float:
    """At least the number of keys in rows of JSON; more where a string holds what looks like one.

    A key ends with a quote that no backslash escapes, and a colon or white space. Comparing whole blocks of bytes is
    three times as fast as two calls of `bytes.count`.
    """
    import numpy as np

    if b"\t" in data or (b"\r" in data and data.count(b"\r") != data.count(b"\r\n")):
        return math.inf
    codes = np.frombuffer(data, np.uint8)
    following = codes[1:]
    ends = (codes[:-1] == _QUOTE) & ((following == _COLON) | (following == _SPACE))
    places = ends.nonzero()[0]
    escaped = (codes[places - 1] == _BACKSLASH) & (codes[places - 2] != _BACKSLASH)
    return len(places) - int(np.count_nonzero(escaped))


def read_distinct(text: str) -> Any:
    """The value of a JSON text. Raises ValueError where it is broken or an object names a key twice."""
    return _DISTINCT.decode(text)


def require_distinct_keys(raw: bytes) -> None:
    """Reading keeps the last of two values in silence; a row that is written again would lose the first."""
    try:
        read_distinct(raw.decode())
    except ValueError as error:
        raise DataError(
            f"This row cannot be written again: {error}.", hint="Look with `punie dataset validate`."
        ) from error


def count_row_keys(row: Row) -> int:
    """The keys a decoded row had; fewer where one of them was null."""
    count = count_keys(row.tools) if row.tools else 0
    for value in (row.messages, row.tools, row.prompt, row.completion, row.text):
        count += value is not None
    for message in row.messages or ():
        held = astuple(message)
        count += len(held) - held.count(None)
        if message.tool_calls:
            count += sum(map(_call_keys, message.tool_calls))
    return count


def count_keys(value: Any) -> int:
    """The keys of all objects in a JSON value."""
    if isinstance(value, dict):
        return len(value) + sum(map(count_keys, value.values()))
    return sum(map(count_keys, value)) if isinstance(value, list) else 0


def _call_keys(call: ToolCall) -> int:
    held = astuple(call)
    count = len(held) - held.count(None) + count_keys(call.arguments)
    if (inner := call.function) is not None:
        count += 1 + (inner.arguments is not None) + count_keys(inner.arguments)
    return count


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


_DISTINCT = json.JSONDecoder(object_pairs_hook=_distinct)
