"""What a ledger says about rows that are gone: how many each rule took, and the first of them to look at."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from punie.data.choose.secrets import find_secret
from punie.data.ledger import row_hash
from punie.data.look.tokens import row_text
from punie.data.source import decode_row, read_lines
from punie.errors import DataError
from punie.files import read_jsonl

_EXAMPLES = 3
_TEXT = 600
"""Characters of a row that are shown."""
_GONE = "The row is no longer where it was read."
_SECRET = "The row holds a key or a token, so it is not shown."


@dataclass(frozen=True, slots=True)
class Example:
    """One row that is gone. `evidence` is what was measured and its limit; `text` what it said, or why that is hidden.

    A row that holds a key or a token is not shown, so that what is written about a dataset can be passed on.
    """

    where: str
    evidence: tuple[tuple[str, str], ...]
    text: str
    shown: bool


@dataclass(frozen=True, slots=True)
class RuleRemovals:
    """The rows that one rule took, and the first few of them."""

    rule: str
    rows: int
    examples: tuple[Example, ...]


def read_removed(ledger: Path) -> tuple[RuleRemovals, ...]:
    """Rules in the order in which they first spoke; nothing where there is no ledger. Raises DataError."""
    if not ledger.is_file():
        return ()
    rows, first = Counter[str](), defaultdict[str, list[dict[str, Any]]](list)
    for _, line in read_jsonl(ledger):
        rule = str(line.get("rule"))
        rows[rule] += 1
        if len(first[rule]) < _EXAMPLES:
            first[rule].append(line)
    texts = _texts(line for lines in first.values() for line in lines)
    return tuple(
        RuleRemovals(rule, count, tuple(_example(line, texts) for line in first[rule])) for rule, count in rows.items()
    )


def _example(line: dict[str, Any], texts: dict[str, tuple[str, bool]]) -> Example:
    text, shown = texts.get(str(line.get("hash")), (_GONE, False))
    where = f"{line.get('file')}:{line.get('line')}"
    value = line.get("value")
    measured = value if isinstance(value, dict) else {"measured": value}
    evidence = {**measured, "limit": line.get("threshold")}
    return Example(where, tuple((name, _plain(part)) for name, part in evidence.items()), text, shown)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _texts(removals: Iterable[dict[str, Any]]) -> dict[str, tuple[str, bool]]:
    """What the rows said, by their hash, as far as their files still hold them. One pass over each file."""
    wanted = defaultdict[str, dict[int, str]](dict)
    for removal in removals:
        if isinstance(line := removal.get("line"), int):
            wanted[str(removal.get("file"))][line] = str(removal.get("hash"))
    return {
        digest: _text(raw)
        for file, lines in wanted.items()
        if Path(file).is_file()
        for digest, raw in _found(Path(file), lines).items()
    }


def _found(file: Path, lines: dict[int, str]) -> dict[str, bytes]:
    found, last = dict[str, bytes](), max(lines)
    for number, raw in read_lines(file):
        if number in lines and row_hash(raw) == lines[number]:
            found[lines[number]] = raw
        if number >= last:
            break
    return found


def _text(raw: bytes) -> tuple[str, bool]:
    """What the row says; the line itself where it is no row."""
    if find_secret(raw):
        return _SECRET, False
    try:
        said = row_text(decode_row(raw, ""))
    except DataError:
        said = raw.decode(errors="replace")
    return said if len(said) <= _TEXT else f"{said[:_TEXT]} ...", True
