"""Why a line is no row to learn from: every fault with its byte, its path, its value and a remedy. Exact, not fast."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from typing import Any

from punie.data.check.jsontext import MOST_FLAWS, Flaw, JsonText
from punie.data.schema import Breach, row_breaches, spell_path
from punie.errors import DataError

_BOM = b"\xef\xbb\xbf"
_SHOWN = 60
_ADVICE = "`punie dataset validate` names every such row."


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a line: `byte` counts from the line's start, `value` is what stands there, shortened."""

    rule: str
    byte: int
    path: str
    value: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The row as Python reads it, where it can be read, and what is wrong with it."""

    value: Any
    faults: tuple[Fault, ...]


def diagnose(raw: bytes) -> Diagnosis:
    """Look closely at one line, given without its line end. At most a hundred faults of a kind are told."""
    if not raw.strip():
        return Diagnosis(None, (Fault("blank-line", 0, "$", "", "is a blank line", "Remove the line."),))
    faults: list[Fault] = []
    if raw.startswith(_BOM):
        faults.append(_bom())
    text = _decoded(raw, faults)
    reading = JsonText(text)
    value = reading.read()
    faults += [_fault_of(flaw, text, raw) for flaw in reading.flaws]
    if reading.whole:
        faults += _located(list(islice(row_breaches(value), MOST_FLAWS)), text, raw)
    return Diagnosis(value, tuple(faults))


def refused(raw: bytes, where: str) -> DataError:
    """What to say of a line that is no row, where nobody can go on without it: its first fault."""
    fault = next(iter(diagnose(raw).faults), None)
    reason = "it cannot be read" if fault is None else f"{fault.path} {fault.message}"
    hint = f"{fault.fix} " if fault else ""
    return DataError(f"Not a row of a dataset: {reason}.", where=where, hint=f"{hint}{_ADVICE}")


def shorten(value: Any) -> str:
    """A value as JSON in one short line that can be encoded."""
    text = _encodable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _encodable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


def _bom() -> Fault:
    return Fault("byte-order-mark", 0, "$", "\\ufeff", "begins with a byte order mark", "Save as UTF-8 without a BOM.")


def _decoded(raw: bytes, faults: list[Fault]) -> str:
    """The line as text, in which bytes that are no UTF-8 stand as surrogates. A mark at the start becomes a space."""
    text = raw.decode(errors="surrogateescape")
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        value = raw[error.start : error.end].hex(" ")
        message = f"has bytes that are not UTF-8: {error.reason}"
        faults.append(Fault("bad-utf8", error.start, "$", value, message, "Save the file as UTF-8."))
    return " " + text[1:] if raw.startswith(_BOM) else text


def _located(breaches: list[Breach], text: str, raw: bytes) -> list[Fault]:
    """Breaches with their bytes."""
    reading = JsonText(text, {breach.place for breach in breaches})
    if breaches:
        reading.read()
    return [
        Fault(
            breach.rule,
            _byte(text, reading.places.get(breach.place, 0), raw),
            _encodable(spell_path(breach.path)),
            "" if breach.missing else shorten(breach.value),
            _encodable(breach.message),
            breach.fix,
        )
        for breach in breaches
    ]


def _fault_of(flaw: Flaw, text: str, raw: bytes) -> Fault:
    path, fix = _encodable(spell_path(flaw.path)), _encodable(flaw.fix)
    return Fault(flaw.rule, _byte(text, flaw.at, raw), path, shorten(flaw.value), flaw.message, fix)


def _byte(text: str, at: int, raw: bytes) -> int:
    marked = 2 if raw.startswith(_BOM) and at else 0
    return len(text[:at].encode(errors="surrogateescape")) + marked
