"""Which dataset each row of a merged one came from."""

from __future__ import annotations

import sys
from collections import defaultdict

from punie.data.compare.text import TextRow
from punie.data.source import Source
from punie.files import read_jsonl

PROVENANCE = "provenance.jsonl"


class Provenance:
    """The source of a row: the dataset it was merged from, or else what it says of itself, or else its file."""

    def __init__(self, source: Source) -> None:
        self._merged = defaultdict[str, list[str]](list)
        """By split, in the order of its lines, as `merge` and `build` write them."""
        if (path := source.root / PROVENANCE).is_file():
            for _, origin in read_jsonl(path):
                self._merged[origin["split"]].append(sys.intern(origin.get("source") or origin["file"]))

    def of(self, row: TextRow) -> str:
        merged = self._merged[row.split]
        if row.line <= len(merged):
            return merged[row.line - 1]
        return row.text.label("source") or str(row.path)
