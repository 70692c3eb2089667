"""Keys that stand twice: none slips through, and the fast count is tight on ordinary rows."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from punie.data.check.keys import bound_of_keys, count_keys, count_row_keys, read_distinct
from punie.data.rows import Row

TEXTS = some.text(some.sampled_from('ab"\\:{}, \u00e9'), max_size=8)
SCALARS = some.none() | some.booleans() | some.integers() | TEXTS
VALUES = some.recursive(
    SCALARS, lambda inner: some.lists(inner, max_size=3) | some.dictionaries(TEXTS, inner, max_size=3), max_leaves=10
)
OBJECTS = some.dictionaries(TEXTS, VALUES, max_size=3)
SEPARATORS = some.sampled_from([(",", ":"), (", ", ": "), (" , ", " : "), (",\r", "\r:"), (",\t", ":\t")])


@given(OBJECTS, SEPARATORS)
def test_the_bound_is_never_below(value: dict[str, Any], separators: tuple[str, str]) -> None:
    """Whatever strings hold and however tokens are spaced, no key goes uncounted."""
    assert bound_of_keys(json.dumps(value, separators=separators).encode()) >= count_keys(value)


@given(OBJECTS, SEPARATORS)
def test_a_key_more_is_seen(value: dict[str, Any], separators: tuple[str, str]) -> None:
    """An object that names a key twice has more keys in its bytes than the decoder kept."""
    once = json.dumps({**value, "k": 1}, separators=separators)
    twice = f'{{"k"{separators[1]}2{separators[0]}{once[1:]}'
    assert json.loads(twice) == {**value, "k": 1}
    assert bound_of_keys(twice.encode()) > count_keys(json.loads(twice))
    with pytest.raises(ValueError, match="twice"):
        read_distinct(twice)


@pytest.mark.parametrize(
    "row",
    [
        {"text": 'x = {"a": 1}\n'},
        {"prompt": "a", "completion": "\\"},
        {"messages": [{"role": "user", "content": 'say "hi": now'}, {"role": "assistant", "content": "é"}]},
        {
            "messages": [
                {
                    "role": "assistant",
                    "content": "",
                    "tool_calls": [{"function": {"name": "f", "arguments": {"a": [{}]}}}],
                },
                {"role": "tool", "content": "x", "name": "f", "tool_call_id": "1"},
            ],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"a": {}}}}],
        },
    ],
)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_the_bound_is_tight_on_what_writers_write(row: dict[str, Any], separators: tuple[str, str]) -> None:
    """Ordinary rows are not taken for suspicious ones, or nothing would be fast."""
    raw = json.dumps(row, separators=separators).encode()
    assert bound_of_keys(raw) == count_row_keys(msgspec.json.decode(raw, type=Row)) == count_keys(row)


def test_unusual_white_space_is_left_to_the_slow_path() -> None:
    """A raw tab or a lone CR stands between tokens; the end of a line on Windows does not count."""
    assert bound_of_keys(b'{"text"\t: "a"}') == bound_of_keys(b'{"text"\r: "a"}') == math.inf
    assert bound_of_keys(b'{"text": "a"}\r\n{"text": "b"}\r\n') == 2
