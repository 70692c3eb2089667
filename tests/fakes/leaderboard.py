"""How the Berkeley Function Calling Leaderboard judges Python calls (v4, `ast_checker`), stated again from its rules.

Its faults are kept on purpose: texts lose their case and much of their punctuation, an expected call takes the first
given one that fits, types are checked one level deep, and an empty text passes wherever an argument may be left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from punie.conversation import ToolCall

_TYPES = {"string": str, "integer": int, "float": float, "boolean": bool, "array": list, "tuple": list, "dict": dict}
_DROPPED = str.maketrans({character: None for character in " ,./-_*^"} | {"'": '"'})
_LEFT_OUT = ""

Truth = Sequence[Mapping[str, Mapping[str, Sequence[Any]]]]
"""For each call a name, and for each argument the values that are right."""


def accepts(functions: Sequence[Mapping[str, Any]], truth: Truth, calls: Sequence[ToolCall]) -> bool:
    """The verdict on decoded calls."""
    free = list(calls)
    if len(free) != len(truth):
        return False
    for wanted in truth:
        ((name, allowed),) = wanted.items()
        function = next(function for function in functions if function["name"] == name)
        fits = (call.name == name and _fits(function, allowed, call.arguments) for call in free)
        first = next((index for index, fit in enumerate(fits) if fit), None)
        if first is None:
            return False
        del free[first]
    return True


def _fits(function: Mapping[str, Any], allowed: Mapping[str, Sequence[Any]], given: Mapping[str, Any]) -> bool:
    schema = function["parameters"]
    if not set(schema["required"]) <= given.keys() or not given.keys() <= schema["properties"].keys() & allowed.keys():
        return False
    if not all(name in given or _LEFT_OUT in values for name, values in allowed.items()):
        return False
    return all(_right(schema["properties"][name], allowed[name], value) for name, value in given.items())


def _right(schema: Mapping[str, Any], allowed: Sequence[Any], value: Any) -> bool:
    declared, inner = _type(schema), _type(schema["items"]) if schema["type"] in ("array", "tuple") else None
    if schema["type"] == "float" and type(value) is int:
        value = float(value)
    example = _example(allowed)
    if type(value) is not declared:
        return type(value) is example and value in allowed
    if inner is not None and not any(_all_typed(inner, one, value) for one in allowed):
        return False
    if example not in (None, declared):
        return value in allowed
    return _same_value(value, allowed, inner)


def _same_value(value: Any, allowed: Sequence[Any], inner: type | None) -> bool:
    if isinstance(value, dict):
        return any(_same_fields(value, one) for one in allowed if one != _LEFT_OUT)
    if isinstance(value, list) and inner is dict:
        return any(len(value) == len(one) and all(map(_same_fields, value, one)) for one in allowed)
    if isinstance(value, list):
        return [_loose(item) for item in value] in [[_loose(item) for item in one] for one in allowed]
    return _loose(value) in [_loose(one) for one in allowed if isinstance(one, str) == isinstance(value, str)]


def _same_fields(value: Mapping[str, Any], allowed: Mapping[str, Sequence[Any]]) -> bool:
    known = all(key in allowed and _loose(item) in map(_loose, allowed[key]) for key, item in value.items())
    return known and all(key in value or _LEFT_OUT in values for key, values in allowed.items())


def _all_typed(inner: type, allowed: Any, value: Sequence[Any]) -> bool:
    return not isinstance(allowed, list) or all(type(item) in (inner, _example(allowed)) for item in value)


def _type(schema: Mapping[str, Any]) -> type:
    return _TYPES.get(schema["type"], str)


def _example(allowed: Sequence[Any]) -> type | None:
    return next((type(value) for value in allowed if value != _LEFT_OUT), None)


def _loose(value: Any) -> Any:
    return value.translate(_DROPPED).lower() if isinstance(value, str) else value
