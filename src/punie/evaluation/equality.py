"""When two plain values are the same. Both comparisons are ours: nothing here asks a value for its opinion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_NUMBERS = (int, float)


def same_argument(expected: Any, given: Any) -> bool:
    """Exact types all the way down, as JSON has them: 1, 1.0, true and "1" are four different arguments."""
    return _same(expected, given, lambda left, right: type(left) is type(right) and _equal(left, right))


def same_result(expected: Any, given: Any) -> bool:
    """As `==` of Python, but True is not 1, NaN is NaN, and a tuple is the list with its items: JSON has no tuples."""
    return _same(expected, given, _same_python)


def _same(expected: Any, given: Any, same_leaf: Callable[[Any, Any], bool]) -> bool:
    if isinstance(expected, list | tuple) and isinstance(given, list | tuple):
        pairs = zip(expected, given, strict=False)
        return len(expected) == len(given) and all(_same(left, right, same_leaf) for left, right in pairs)
    if isinstance(expected, dict) and isinstance(given, dict):
        return expected.keys() == given.keys() and all(_same(expected[key], given[key], same_leaf) for key in expected)
    return same_leaf(expected, given)


def _same_python(expected: Any, given: Any) -> bool:
    numbers = type(expected) in _NUMBERS and type(given) in _NUMBERS
    return (numbers or type(expected) is type(given)) and _equal(expected, given)


def _equal(left: Any, right: Any) -> bool:
    return left == right or (left != left and right != right)
