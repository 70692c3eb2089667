"""Rows through rules: one pass, constant memory, the kept bytes untouched, a ledger line for every other row.

A row that does not decode, or that no rule drops and that still cannot be taught from, is `invalid`: it stops the pass,
or has its own line in the ledger where that was asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress, repeat
from operator import is_
from pathlib import Path
from typing import IO, Any, Protocol

import msgspec

from punie.data.blocks import MAX_ROW_BYTES, long_line
from punie.data.choose.rules import Rule
from punie.data.ledger import Removal, row_hash
from punie.data.rows import REFUSALS, Row, RowError, is_sound, row_decoder
from punie.errors import DataError
from punie.files import open_input

INVALID = "invalid"
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


@dataclass(frozen=True, slots=True)
class Judged:
    """Lines with their ends, which of them are kept (1 or 0 each), and what the ledger says of the others."""

    lines: list[bytes]
    keeps: bytes
    removals: bytes

    def kept(self) -> bytes:
        """The lines that are kept, the last one of a file with the end it may lack."""
        return _ended(b"".join(compress(self.lines, self.keeps)))


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
    tally, done = Tally(), 0
    if progress is not None:
        progress(0)
    for block in judged(span, rules, tally, drop_invalid=drop_invalid):
        if any(block.keeps):
            keep().write(block.kept())
        if block.removals:
            ledger().write(block.removals)
        if digest is not None:
            digest.update(b"".join(block.lines))
        if progress is not None:
            progress(done := done + sum(map(len, block.lines)))
    return tally


def judged(span: Span, rules: Sequence[Rule], tally: Tally, *, drop_invalid: bool) -> Iterator[Judged]:
    """Every line of a span, in order, counted in `tally`. Raises DataError as `screen` does."""
    judge, encode, name = judge_with(rules), msgspec.json.Encoder().encode_lines, str(span.path)
    for lines in read_span(span):
        verdicts = list(map(judge, lines))
        removals = [
            _removal(name, number, line, verdict, drop_invalid)
            for number, (line, verdict) in enumerate(zip(lines, verdicts, strict=True), start=tally.rows + 1)
            if verdict is not None
        ]
        tally.removed.update(removal.rule for removal in removals)
        tally.rows += len(lines)
        tally.kept += len(lines) - len(removals)
        yield Judged(lines, bytes(map(is_, verdicts, repeat(None))), encode(removals))


def judge_with(rules: Sequence[Rule]) -> Callable[[bytes], Verdict | None]:
    """A function from a row's bytes to the first rule that drops it, or None."""
    decode, reread = msgspec.json.Decoder(Row).decode, row_decoder()
    checks = [(rule.name, rule.check) for rule in rules]

    def judge(raw: bytes) -> Verdict | None:
        try:
            row = decode(raw)
            if row.messages is None and row.completion is None and row.text is None:
                row = reread(raw)
        except (*REFUSALS, RowError):
            try:
                row = reread(raw)
            except RowError as error:
                return INVALID, str(error), None
        try:
            for name, check in checks:
                if (reason := check(row, raw)) is not None:
                    return name, *reason
            return None if is_sound(row) and (raw.isascii() or raw.decode()) else _unsound(reread, raw)
        except REFUSALS as error:  # In a field that nobody declared, which a rule or the last line has read.
            return _unsound(reread, raw) or (INVALID, str(error), None)

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


def read_span(span: Span) -> Iterator[list[bytes]]:
    """Lines with their ends, about a quarter of a megabyte of them at a time."""
    with open_input(span.path, buffering=_BLOCK_BYTES) as file:
        file.seek(span.start)
        done, number = span.start, 1
        while lines := _next_lines(file, min(_BLOCK_BYTES, span.stop - done)):
            if len(lines[-1].removesuffix(b"\n")) > MAX_ROW_BYTES:
                raise long_line(f"{span.path}:{number + len(lines) - 1}")
            yield lines
            done += sum(map(len, lines))
            number += len(lines)


def _next_lines(file: IO[bytes], size: int) -> list[bytes]:
    """So many lines that `size` bytes are reached. Of one that is too long, which is the last, no more is read."""
    lines, readline = list[bytes](), file.readline
    while size > 0 and (line := readline(MAX_ROW_BYTES + 1)):
        lines.append(line)
        size -= len(line)
    return lines


def _ended(lines: bytes) -> bytes:
    return lines if lines.endswith(b"\n") else lines + b"\n"
