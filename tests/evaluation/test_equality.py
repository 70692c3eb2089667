from __future__ import annotations

import math
from typing import Any

import pytest

from punie.evaluation.equality import same_argument, same_result

PAIRS: list[tuple[Any, Any, bool, bool]] = [
    # expected, given, the same argument, the same result
    (1, 1, True, True),
    (1, 2, False, False),
    (1, 1.0, False, True),
    (1.0, 1, False, True),
    (1, True, False, False),
    (False, 0, False, False),
    (1, "1", False, False),
    (None, None, True, True),
    (None, 0, False, False),
    ("a", "a", True, True),
    ("a", "A", False, False),
    (0.3, 0.1 + 0.2, False, False),
    (math.nan, math.nan, True, True),
    (2**70, 2.0**70, False, True),
    ([1, 2], (1, 2), True, True),
    ([1, 2], [2, 1], False, False),
    ([1], [1, 1], False, False),
    ([[1.0]], [[1]], False, True),
    ({"a": [1]}, {"a": [1]}, True, True),
    ({"a": 1}, {"a": True}, False, False),
    ({"a": 1}, {"a": 1, "b": 2}, False, False),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True, True),
    ([], {}, False, False),
    ([1], {1}, False, False),
]


@pytest.mark.parametrize(("expected", "given", "argument", "result"), PAIRS)
def test_sameness(expected: Any, given: Any, argument: bool, result: bool) -> None:
    """Arguments have exact types; results compare as in Python, except that a truth value is no number."""
    assert same_argument(expected, given) is argument
    assert same_result(expected, given) is result


NUMBER = {"type": "number"}
DECLARED: list[tuple[Any, Any, Any, bool]] = [
    # declared, expected, given, the same
    (NUMBER, 1, 1.0, True),
    (NUMBER, 1.5, 1.5, True),
    (NUMBER, 1, True, False),
    (NUMBER, -5, "-5", False),
    ({"type": "float"}, 2.0, 2, True),
    ({"type": ["number", "null"]}, 2.0, 2, True),
    ({"type": "integer"}, 1, 1.0, False),
    ({"type": "array", "items": NUMBER}, [1, 2.0], [1.0, 2], True),
    ({"type": "object", "properties": {"x": NUMBER}}, {"x": 1, "y": 1}, {"x": 1.0, "y": 1}, True),
    ({"type": "object", "properties": {"x": NUMBER}}, {"x": 1, "y": 1}, {"x": 1, "y": 1.0}, False),
    ({"enum": ["1", 1]}, "1", 1, False),
    ("number", 1, 1.0, False),
]


@pytest.mark.parametrize(("declared", "expected", "given", "same"), DECLARED)
def test_what_is_declared_a_number_may_be_written_either_way(
    declared: Any, expected: Any, given: Any, same: bool
) -> None:
    """1 and 1.0 are one number where the tool declares a number, however deep; a text and a truth value never are."""
    assert same_argument(expected, given, declared) is same


LOOSE: list[tuple[Any, Any, bool]] = [
    ("April 1, 2024", "april 1,2024", True),
    ("New York, NY.", "new york  ny", True),
    ("first-class", "First class", True),
    ("snake_case", "snake case", True),
    ("it's", "it\u2019s", True),
    (["Rock", {"genre": "Jazz"}], ["rock", {"genre": "jazz"}], True),
    ("-5", "5", False),
    ("-v", "v", False),
    ("1.5", "15", False),
    ("/a/b", "ab", False),
    ("/a/b", "a b", False),
    ("a/b", "a b", False),
    ("x**2", "x2", False),
    ("New York", "NewYork", False),
    ("5", 5, False),
    ("", " ", True),
]


@pytest.mark.parametrize(("expected", "given", "same"), LOOSE)
def test_loose_texts_are_the_same_by_their_words(expected: Any, given: Any, same: bool) -> None:
    """Letters' case, spaces and what stands between words do not matter; signs, points in numbers and slashes do."""
    assert same_argument(expected, given, loose_text=True) is same
    assert same_argument(expected, given) is False
