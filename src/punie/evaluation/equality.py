"""When two plain values are the same. Both comparisons are ours: nothing here asks a value for its opinion."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NUMBERS = (int, float)
_WORD = re.compile(r"(?<!\w)-?\d+(?:\.\d+)*|(?<!\S)-+|[^\W_]+|[^\w\s,.'\"\u2018\u2019\u201c\u201d-]")
_NUMBER_TYPES = frozenset({"number", "float", "double"})


def same_argument(expected: Any, given: Any, declared: Any = None, *, loose_text: bool = False) -> bool:
    """Exact types all the way down, as JSON has them: 1, 1.0, true and "1" are four different arguments.

    `declared` is the JSON schema of the argument: what it declares as a number may be written 1 or 1.0. With
    `loose_text` texts are the same when `words` says so.
    """
    if isinstance(expected, str) and isinstance(given, str) and loose_text:
        return expected == given or words(expected) == words(given)
    schema = declared if isinstance(declared, Mapping) else {}
    if isinstance(expected, list | tuple) and isinstance(given, list | tuple):
        pairs = zip(expected, given, strict=False)
        return len(expected) == len(given) and all(
            same_argument(*pair, schema.get("items"), loose_text=loose_text) for pair in pairs
        )
    if isinstance(expected, dict) and isinstance(given, dict):
        inner = schema.get("properties")
        inner = inner if isinstance(inner, Mapping) else {}
        return expected.keys() == given.keys() and all(
            same_argument(expected[key], given[key], inner.get(key), loose_text=loose_text) for key in expected
        )
    return _same_type(expected, given, schema) and _equal(expected, given)


def words(text: str) -> list[str]:
    """Words and numbers of a text, in small letters, and every sign but those between words: spaces, commas, quotes,
    full stops, underscores and hyphens. A minus before a word, a point in a number and a slash stay.
    """
    return _WORD.findall(text.casefold())


def same_result(expected: Any, given: Any) -> bool:
    """As `==` of Python, but True is not 1, NaN is NaN, and a tuple is the list with its items: JSON has no tuples."""
    if isinstance(expected, list | tuple) and isinstance(given, list | tuple):
        return len(expected) == len(given) and all(map(same_result, expected, given))
    if isinstance(expected, dict) and isinstance(given, dict):
        return expected.keys() == given.keys() and all(same_result(expected[key], given[key]) for key in expected)
    return (_are_numbers(expected, given) or type(expected) is type(given)) and _equal(expected, given)


def _same_type(expected: Any, given: Any, schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    number = _NUMBER_TYPES & set(kind if isinstance(kind, list) else [str(kind)])
    return type(expected) is type(given) or (bool(number) and _are_numbers(expected, given))


def _are_numbers(*values: Any) -> bool:
    return all(type(value) in _NUMBERS for value in values)


def _equal(left: Any, right: Any) -> bool:
    return left == right or (left != left and right != right)
