"""Rows through rules: one pass, constant memory, the kept bytes untouched, a ledger line for every other row.

A row that does not decode, or that no rule drops and that still cannot be taught from, is `invalid`: it stops the pass,
or has its own line in the ledger where that was asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

import msgspec

from punie.data.choose.rules import Rule
from punie.data.ledger import Removal, row_hash
from punie.data.rows import REFUSALS, Row, RowError, is_sound, row_decoder
from punie.errors import DataError
from punie.files import open_input

INVALID = "invalid"
MAX_ROW_BYTES = 64_000_000
_BLOCK_BYTES = 1 << 18
"""Large enough that blocks cost nothing, small enough to stay in the processor's cache."""

Verdict = tuple[str, Any, Any]
"""The rule that dropped a row, what it measured, its limit."""


@dataclass(frozen=True, slots=True)
class Span:
    """Whole lines of a file: bytes from `start` to `stop`. Lines are counted from 1 at `start`."""

    path: Path
    start: int
    stop: int


@dataclass(slots=True)
class Tally:
    """Rows read, rows kept, and the others by rule."""

    rows: int = 0
    kept: int = 0
    removed: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        self.rows += other.rows
        self.kept += other.kept
        self.removed.update(other.removed)


class Digest(Protocol):
    """What takes in every byte that was read, such as a hash."""

    def update(self, data: bytes, /) -> None: ...


def screen(
    span: Span,
    rules: Sequence[Rule],
    keep: Callable[[], IO[bytes]],
    ledger: Callable[[], IO[bytes]],
    *,
    drop_invalid: bool = False,
    digest: Digest | None = None,
    progress: Callable[[int], None] | None = None,
) -> Tally:
    """Copy what the rules keep; name the rest in the ledger. Either file is asked for when there is something to write.

    `progress` hears how many bytes of the span are done. Raises DataError at an invalid row unless it is to be dropped.
    """
    judge, encode, tally, name = judge_with(rules), msgspec.json.Encoder().encode, Tally(), str(span.path)
    number, done, rules_met = 1, 0, tally.removed
    for lines in _blocks(span):
        kept, removed = list[bytes](), list[bytes]()
        for line in lines:
            if (verdict := judge(line)) is None:
                kept.append(line)
            else:
                removed.append(encode(_removal(name, number, line, verdict, drop_invalid)))
                rules_met[verdict[0]] += 1
            number += 1
        if kept:
            keep().write(_ended(b"".join(kept)))
        if removed:
            ledger().write(_ended(b"\n".join(removed)))
        tally.rows += len(lines)
        tally.kept += len(kept)
        if digest is not None:
            digest.update(b"".join(lines))
        if progress is not None:
            progress(done := done + sum(map(len, lines)))
    return tally


def judge_with(rules: Sequence[Rule]) -> Callable[[bytes], Verdict | None]:
    """A function from a row's bytes to the first rule that drops it, or None."""
    decode, reread = msgspec.json.Decoder(Row).decode, row_decoder()
    checks = [(rule.name, rule.check) for rule in rules]

    def judge(raw: bytes) -> Verdict | None:
        try:
            row = decode(raw)
            if row.messages is None and row.completion is None and row.text is None:
                row = reread(raw)
            if not raw.isascii():
                raw.decode()
        except (*REFUSALS, RowError):
            try:
                row = reread(raw)
            except RowError as error:
                return INVALID, str(error), None
        for name, check in checks:
            if (reason := check(row, raw)) is not None:
                return name, *reason
        return None if is_sound(row) else _unsound(reread, raw)

    return judge


def _unsound(reread: Callable[[bytes], Row], raw: bytes) -> Verdict | None:
    try:
        reread(raw)
    except RowError as error:
        return INVALID, str(error), None
    return None


def _removal(file: str, number: int, line: bytes, verdict: Verdict, drop_invalid: bool) -> Removal:
    rule, value, threshold = verdict
    if rule == INVALID and not drop_invalid:
        raise DataError(
            f"A row cannot be taught from: {value}.",
            where=f"{file}:{number}",
            hint="Correct it (`punie dataset validate` names every such row), or drop such rows with --drop-invalid.",
        )
    return Removal(file, number, row_hash(line.removesuffix(b"\n")), rule, value, threshold)


def _blocks(span: Span) -> Iterator[list[bytes]]:
    """Lines with their ends, about a quarter of a megabyte of them at a time."""
    with open_input(span.path, buffering=_BLOCK_BYTES) as file:
        file.seek(span.start)
        left = span.stop - span.start
        number = 1
        while left > 0 and (lines := file.readlines(min(_BLOCK_BYTES, left))):
            size = sum(map(len, lines))
            if size > left:
                size -= len(lines.pop())  # The hint of readlines is passed by a line where it is met exactly.
            if size > MAX_ROW_BYTES:
                _require_rows(span.path, number, lines)
            yield lines
            left -= size
            number += len(lines)


def _require_rows(path: Path, first: int, lines: list[bytes]) -> None:
    for number, line in enumerate(lines, start=first):
        if len(line) > MAX_ROW_BYTES:
            raise DataError(
                f"This line is {len(line) / 1e6:.0f} MB long, more than a row may have.",
                where=f"{path}:{number}",
                hint=f"A row has at most {MAX_ROW_BYTES // 1_000_000} MB. Is this one JSON document, not JSONL?",
            )


def _ended(lines: bytes) -> bytes:
    return lines if lines.endswith(b"\n") else lines + b"\n"
