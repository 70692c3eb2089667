"""JSON read slowly, with the place of everything: what a fast decoder passes over or says nothing useful about."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NoReturn

from punie.data.schema import Path

DEEPEST = 200
MOST_FLAWS = 100
"""As many are told of one text: a line of megabytes may have a million of the same."""
MOST_VALUES = 50_000
"""A tenth of a second's reading. The longest chats have a few thousand; a row of millions is meant to cost time."""
_LONGEST_INTEGER = 4000
_SPACE = re.compile(r"[ \t\n\r]*")
_SURROGATE = re.compile("[\ud800-\udfff]")


class _NotANumber(float):
    """NaN or an infinity, which Python writes and reads and JSON does not have."""


def _integer(digits: str) -> int | float:
    """Python refuses to read integers of thousands of digits, since that takes quadratic time."""
    return int(digits) if len(digits) < _LONGEST_INTEGER else float(digits)


_PLAIN = json.JSONDecoder(parse_constant=_NotANumber, parse_int=_integer)


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something JSON forbids, or leaves to chance; `at` counts characters."""

    rule: str
    at: int
    path: Path
    value: Any
    message: str
    fix: str


class _BrokenError(Exception):
    """The text cannot be read any further."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.message)
        self.flaw = flaw


class JsonText:
    """One text. `read` gives its value and fills `flaws`; `places` then has the start of each path in `wanted`."""

    def __init__(self, text: str, wanted: Collection[Path] = ()) -> None:
        self.text, self._wanted = text, wanted
        self.flaws: list[Flaw] = []
        self.places: dict[Path, int] = {}
        self.whole = True
        self._met = 0

    def read(self) -> Any:
        """The value, or None with `whole` false where the text breaks off or is no JSON."""
        try:
            value, end = self._value(self._skip(0), ())
            if (end := self._skip(end)) < len(self.text):
                self._broken(end, (), "has more text after the end of the row", "Put each row on a line of its own.")
        except _BrokenError as error:
            self.flaws.append(error.flaw)
            self.whole = False
            return None
        return value

    def _value(self, at: int, path: Path) -> tuple[Any, int]:
        if path in self._wanted:
            self.places[path] = at
        if len(path) > DEEPEST:
            self._refuse("too-deep", at, path, f"is nested more than {DEEPEST} deep", "Remove the row.")
        self._met += 1
        if self._met > MOST_VALUES:
            message = f"has more than {MOST_VALUES:,} values, and something is wrong with it"
            self._refuse("too-many-values", at, path, message, "Remove the row, or what no model reads.")
        match self.text[at : at + 1]:
            case '"':
                return self._string(at, path)
            case "{":
                return self._object(at, path)
            case "[":
                return self._array(at, path)
            case _:
                return self._scalar(at, path)

    def _object(self, at: int, path: Path) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        at, closed = self._first(at, "}")
        while not closed:
            key, begin = self._key(at, path)
            if key in found:
                fix = f"Keep one {key}."
                self._note(Flaw("duplicate-key", at, (*path, key), key, "stands twice in one object", fix))
            found[key], end = self._value(begin, (*path, key))
            at, closed = self._next(end, "}", path)
        return found, at

    def _array(self, at: int, path: Path) -> tuple[list[Any], int]:
        found: list[Any] = []
        at, closed = self._first(at, "]")
        while not closed:
            value, end = self._value(at, (*path, len(found)))
            found.append(value)
            at, closed = self._next(end, "]", path)
        return found, at

    def _first(self, at: int, close: str) -> tuple[int, bool]:
        """Where the first member begins, or, and True, what comes after an empty container."""
        at = self._skip(at + 1)
        return (at + 1, True) if self.text.startswith(close, at) else (at, False)

    def _next(self, at: int, close: str, path: Path) -> tuple[int, bool]:
        """Where the next member begins, or, and True, what comes after the container."""
        at = self._skip(at)
        if self.text.startswith(close, at):
            return at + 1, True
        if not self.text.startswith(",", at):
            self._broken(at, path, f"has neither , nor {close} here", "Correct the syntax.")
        return self._skip(at + 1), False

    def _key(self, at: int, path: Path) -> tuple[str, int]:
        if not self.text.startswith('"', at):
            self._broken(at, path, "has no key in quotes here", "Put keys in double quotes, and no comma at the end.")
        key, end = self._string(at, path)
        colon = self._skip(end)
        if not self.text.startswith(":", colon):
            self._broken(colon, (*path, key), "has no : after the key", "Correct the syntax.")
        return key, self._skip(colon + 1)

    def _string(self, at: int, path: Path) -> tuple[str, int]:
        value, end = self._plain(at, path)
        if _SURROGATE.search(value) and "\\u" in self.text[at:end]:
            fix = "Write the whole character, or remove it."
            self._note(Flaw("lone-surrogate", at, path, value, "has half of a surrogate pair", fix))
        return value, end

    def _scalar(self, at: int, path: Path) -> tuple[Any, int]:
        value, end = self._plain(at, path)
        if isinstance(value, _NotANumber):
            name = self.text[at:end]
            self._note(Flaw("not-a-number", at, path, name, "is not JSON", "Write null, or a number."))
        return value, end

    def _plain(self, at: int, path: Path) -> tuple[Any, int]:
        """A text, a number or a constant, as the standard library reads it."""
        try:
            return _PLAIN.raw_decode(self.text, at)
        except json.JSONDecodeError as error:
            if error.msg.startswith("Unterminated"):
                self._truncated(at, path)
            fix = "Escape it as JSON does." if self.text.startswith('"', at) else "Correct the syntax."
            self._broken(error.pos, path, f"is not JSON: {error.msg}", fix)

    def _note(self, flaw: Flaw) -> None:
        if len(self.flaws) < MOST_FLAWS:
            self.flaws.append(flaw)

    def _skip(self, at: int) -> int:
        match = _SPACE.match(self.text, at)
        assert match is not None
        return match.end()

    def _broken(self, at: int, path: Path, message: str, fix: str) -> NoReturn:
        if at >= len(self.text):
            self._truncated(at, path)
        self._refuse("bad-json", at, path, message, fix)

    def _truncated(self, at: int, path: Path) -> NoReturn:
        self._refuse("truncated-row", at, path, "breaks off before the end of the row", "Get the file again.")

    def _refuse(self, rule: str, at: int, path: Path, message: str, fix: str) -> NoReturn:
        raise _BrokenError(Flaw(rule, at, path, self.text[at : at + 40], message, fix))
