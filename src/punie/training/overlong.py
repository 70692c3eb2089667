"""Rows longer than `max_seq_length`: cut, cut so that the answer stays, or dropped with a line in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from punie.data.ledger import Removal, row_hash
from punie.data.source import read_lines
from punie.errors import DataError
from punie.training.batches import TokenRow
from punie.training.knobs import Overlong
from punie.training.rows import Split, name_rows

TOO_LONG, SILENT = "max-seq-length", "no-learned-token"


@dataclass(frozen=True, slots=True)
class FittedRows:
    """The rows that are learned from, the others with the reason, and how many of the former lost tokens."""

    rows: list[TokenRow]
    removed: tuple[Removal, ...]
    truncated: int
    overlong: Overlong
    """What was done to those that are too long."""


def fit_rows(rows: Sequence[TokenRow], split: Split, limit: int, overlong: Overlong) -> FittedRows:
    """Raises DataError where no row is left, and for rows in which nothing would be learned, if they are not dropped.

    Those would make the loss 0/0 and ruin the weights (mlx-lm issue 1355).
    """
    fitting = [keep_answer(row, limit) if overlong == "keep-answer" else row for row in rows]
    if overlong == "drop":
        fitting, removed = _dropped(fitting, split, limit)
    else:
        _require_learned(fitting, split, limit)
        removed = ()
    if rows and not fitting:
        raise DataError(
            f"No row is left: all {len(rows)} are longer than {limit} tokens or have nothing to learn.",
            where=str(split.path),
            hint="Raise max_seq_length, or use overlong cut.",
        )
    if len(fitting) + len(removed) != len(rows):
        raise AssertionError(f"{len(rows)} rows came in, {len(fitting)} were kept and {len(removed)} removed")
    truncated = 0 if overlong == "drop" else sum(len(row.tokens) > limit for row in rows)
    return FittedRows(fitting, removed, truncated, overlong)


def keep_answer(row: TokenRow, limit: int) -> TokenRow:
    """The row without as much of its beginning as must go for its last answer to stay.

    As it is where that answer with one token before it is itself too long.
    """
    start, end = row.spans[-1] if row.spans else (0, 0)
    first = end - limit
    if first <= 0 or start <= first:
        return row
    spans = tuple((max(0, begin - first), until - first) for begin, until in row.spans if until > first)
    return replace(row, tokens=row.tokens[first:end], spans=spans)


def _dropped(rows: Sequence[TokenRow], split: Split, limit: int) -> tuple[list[TokenRow], tuple[Removal, ...]]:
    reasons = {row.line: reason for row in rows if (reason := _reason(row, limit)) is not None}
    if not reasons:
        return list(rows), ()
    hashes = _hashes(split.path, reasons)
    removed = (Removal(str(split.path), line, hashes[line], *reason) for line, reason in reasons.items())
    return [row for row in rows if row.line not in reasons], tuple(removed)


def _reason(row: TokenRow, limit: int) -> tuple[str, int, int] | None:
    """Rule, value and threshold."""
    if len(row.tokens) > limit:
        return TOO_LONG, len(row.tokens), limit
    return None if row.learned(limit).size else (SILENT, 0, 1)


def _hashes(path: Path, lines: dict[int, tuple[str, int, int]]) -> dict[int, str]:
    return {number: row_hash(raw) for number, raw in read_lines(path) if number in lines}


def _require_learned(rows: Sequence[TokenRow], split: Split, limit: int) -> None:
    if silent := [row.line - 1 for row in rows if not row.learned(limit).size]:
        raise DataError(
            f"Nothing can be learned from {name_rows(silent)}: no token of the answer is within "
            f"the first {limit} tokens.",
            where=split.place(silent[0]),
            hint="Raise max_seq_length, use overlong keep-answer or drop, or take these rows out.",
        )
