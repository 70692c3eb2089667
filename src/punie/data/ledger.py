"""Why each row that is gone is gone."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

LEDGER = "removed.jsonl"
SUSPECTS = "suspects.jsonl"
"""Rows that were kept although they share something with a benchmark's task, in the same form."""


class Removal(msgspec.Struct, frozen=True, gc=False):
    """One dropped row: where it stood, what it was, and the rule it failed, with the measured value and its limit."""

    file: str
    line: int
    hash: str
    rule: str
    value: Any
    threshold: Any

    def to_row(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "line": self.line,
            "hash": self.hash,
            "rule": self.rule,
            "value": self.value,
            "threshold": self.threshold,
        }


def ledger_head(file: Path) -> bytes:
    """What every line about a row of this file begins with, up to the number of the row's line."""
    return msgspec.json.encode({"file": str(file), "line": 0})[: -len("0}")]


def row_hash(raw: bytes) -> str:
    """SHA-256 of a row's bytes, in hexadecimal: a removed row can be found again wherever it went."""
    return hashlib.sha256(raw).hexdigest()
