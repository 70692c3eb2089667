"""Tokenized rows on disk, so that rows are tokenized once however many runs learn from them.

They lie in the user's cache folder and not in a run's: another seed, another rate and a resumed run find them too. The
name of a file says what it was made from, so none is ever out of date; a broken one counts as absent.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from punie import fingerprint
from punie.errors import CapacityError, UsageError
from punie.files import atomic_writer, hash_value
from punie.training.batches import TokenRow
from punie.workspace import cache_folder

FORMAT = 1
LARGEST_BYTES = 2_000_000_000
"""Of the whole cache; the files that were not used for longest go first. About 500 M tokens."""


@dataclass(frozen=True, slots=True)
class TokenCache:
    """The place of one file of rows under one tokenizer, template and mask."""

    path: Path

    @classmethod
    def of(cls, rows_hash: str, model: Path, template: str, mask: str, versions: Sequence[str]) -> TokenCache:
        # A template may write today's date into every row.
        day = date.today().isoformat() if "strftime_now" in template else ""
        name = hash_value([FORMAT, rows_hash, fingerprint.vocabulary(model), template, day, mask, *versions])
        return cls(cache_folder() / "tokens" / f"{name}.npz")

    def read(self) -> list[TokenRow] | None:
        """The rows, or None where there are none that can be read."""
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as found:
                rows = _rows(found["tokens"], found["row_ends"], found["spans"], found["span_ends"])
            os.utime(self.path)
        except (OSError, ValueError, KeyError, IndexError, EOFError, BadZipFile):
            return None
        return rows

    def write(self, rows: Sequence[TokenRow]) -> None:
        """Without a word where the disk is full or may not be written: the next run tokenizes again."""
        with suppress(UsageError, CapacityError), atomic_writer(self.path) as out:
            np.savez(
                out,
                tokens=np.concatenate([np.asarray(row.tokens, np.int32) for row in rows]),
                row_ends=np.fromiter(accumulate(len(row.tokens) for row in rows), np.int64),
                spans=np.array([span for row in rows for span in row.spans], np.int32).reshape(-1, 2),
                span_ends=np.fromiter(accumulate(len(row.spans) for row in rows), np.int64),
            )
        with suppress(OSError):
            self._make_room()

    def _make_room(self) -> None:
        files = sorted(self.path.parent.glob("*.npz"), key=lambda file: file.stat().st_mtime, reverse=True)
        for file, total in zip(files, accumulate(file.stat().st_size for file in files), strict=True):
            if total > LARGEST_BYTES and file != self.path:
                file.unlink(missing_ok=True)


def _rows(tokens: Any, row_ends: np.ndarray, spans: np.ndarray, span_ends: np.ndarray) -> list[TokenRow]:
    own_tokens = [tokens[start:end] for start, end in pairwise([0, *row_ends.tolist()])]
    pairs = [(start, end) for start, end in spans.tolist()]
    own_spans = [tuple(pairs[start:end]) for start, end in pairwise([0, *span_ends.tolist()])]
    return [
        TokenRow(row, spans, line) for line, (row, spans) in enumerate(zip(own_tokens, own_spans, strict=True), start=1)
    ]
