"""Plain data on its way out of the jail: reduced to exact built-in types inside, rebuilt from JSON outside.

Lists, tuples, sets, dicts, complex and very long integers are tagged, so that plain values arrive as they left:
{"list": [...]}, {"dict": [[key, value], ...]}, {"int": "0x..."}. Nothing is ever unpickled.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_LONG_INTEGER_BITS = 1024
_MOST_HASHED = 10_000
"""Integers that collide make a set of n items cost n * n comparisons; this many cost about a second."""


class NotPlain(Exception):
    """A result that is no plain data."""


def encode(value: Any) -> Any:
    """Reduce to JSON. Subclasses go through their base class, never through methods of their own."""
    match value:
        case None | bool():
            return value
        case int():
            number = int.__int__(value)
            return number if number.bit_length() <= _LONG_INTEGER_BITS else {"int": hex(number)}
        case float():
            return float.__float__(value)
        case complex():
            number = complex.__complex__(value)
            return {"complex": [number.real, number.imag]}
        case str():
            return str.__str__(value)
        case dict():
            return {"dict": [[encode(key), encode(item)] for key, item in dict.items(value)]}
    for kind in (list, tuple, set, frozenset):
        if isinstance(value, kind):
            items: Iterable[Any] = kind.__iter__(value)
            return {kind.__name__: [encode(item) for item in items]}
    raise NotPlain(f"a value of type {type(value).__name__}")


def decode(value: Any) -> Any:
    """Rebuild what `encode` reduced. Raises ValueError or TypeError for what it never writes."""
    return _Decoder().decode(value)


class _Decoder:
    """Counts what is hashed, since the one who chose the keys is nobody's friend."""

    def __init__(self) -> None:
        self._hashed = 0

    def decode(self, value: Any) -> Any:
        if isinstance(value, list):
            raise TypeError("a list without its tag")
        if not isinstance(value, dict):
            return value
        ((tag, content),) = value.items()
        match tag:
            case "int":
                return int(content, 16)
            case "complex":
                return complex(*content)
            case "list":
                return [self.decode(item) for item in content]
            case "tuple":
                return tuple([self.decode(item) for item in content])
            case "set" | "frozenset":
                self._count(content)
                return (set if tag == "set" else frozenset)(self.decode(item) for item in content)
            case "dict":
                self._count(content)
                return {self.decode(key): self.decode(item) for key, item in content}
        raise ValueError(tag)

    def _count(self, content: Any) -> None:
        self._hashed += len(content)
        if self._hashed > _MOST_HASHED:
            raise ValueError(f"more than {_MOST_HASHED} keys and set items")
