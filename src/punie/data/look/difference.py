"""What became of rows between two datasets, by hashes: 21 bytes of memory for a row, however long it is.

Rows are matched by `id` where both have it, the n-th of an id with the n-th, and the others by content. Content is the
row without its id, whatever the order of keys and the spaces between them.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from xxhash import xxh3_64_intdigest

from punie.data.progress import Progress, unheard
from punie.data.source import SPLITS, Source, open_source, read_rows

_ODD = 0x9E3779B97F4A7C15
NO_CATEGORY = "(none)"


@dataclass(frozen=True, slots=True)
class Found:
    """How many rows, and where the first of them stand."""

    count: int
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """Rows with one name, before and after, and what share of all rows they are."""

    name: str
    before: int
    after: int
    share_before: float
    share_after: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Every row of `before` is the same, changed or removed; every row of `after` is the same, changed or added.

    `moved` are rows, changed or not, that stand in another split. Places are in `after`, those of removed in `before`.
    """

    rows_before: int
    rows_after: int
    same: int
    changed: Found
    added: Found
    removed: Found
    moved: Found
    splits: tuple[Share, ...]
    categories: tuple[Share, ...]


def diff(before: Path, after: Path, shown: int = 10, progress: Progress = unheard) -> Difference:
    """Raises UsageError for a path that is no dataset, DataError at a line that is not a JSON object."""
    left = _index(open_source(before), progress, "reading the first")
    right = _index(open_source(after), progress, "reading the second")
    ids = _matches(left.ids, right.ids, left.ids != 0, right.ids != 0)
    rest = tuple(~_mask(side, found) for side, found in zip((left, right), ids, strict=True))
    contents = _matches(left.contents, right.contents, *rest)
    changed = ids[1][left.contents[ids[0]] != right.contents[ids[1]]]
    pairs = [np.concatenate([by_id, by_content]) for by_id, by_content in zip(ids, contents, strict=True)]
    moved = pairs[1][left.splits[pairs[0]] != right.splits[pairs[1]]]
    return Difference(
        rows_before=left.rows,
        rows_after=right.rows,
        same=len(pairs[0]) - len(changed),
        changed=right.found(changed, shown),
        added=right.found((~_mask(right, pairs[1])).nonzero()[0], shown),
        removed=left.found((~_mask(left, pairs[0])).nonzero()[0], shown),
        moved=right.found(moved, shown),
        splits=_shares(left.counts("split"), right.counts("split")),
        categories=_shares(left.counts("category"), right.counts("category")),
    )


@dataclass(frozen=True, slots=True)
class _Index:
    """One entry per row in file order: hash of the id, 0 for none; hash of the content; number of the split; line."""

    source: Source
    ids: np.ndarray
    contents: np.ndarray
    splits: np.ndarray
    lines: np.ndarray
    categories: Mapping[str, int]

    @property
    def rows(self) -> int:
        return len(self.ids)

    def counts(self, what: str) -> Mapping[str, int]:
        if what == "category":
            return self.categories
        return {split: int((self.splits == number).sum()) for number, split in enumerate(SPLITS)}

    def found(self, rows: np.ndarray, shown: int) -> Found:
        return Found(len(rows), tuple(self._place(row) for row in sorted(rows.tolist())[:shown]))

    def _place(self, row: int) -> str:
        return f"{self.source.splits[SPLITS[self.splits[row]]]}:{self.lines[row]}"


def _index(source: Source, progress: Progress, what: str) -> _Index:
    ids, contents, splits, lines = array("Q"), array("Q"), array("B"), array("I")
    categories = Counter[str]()
    for row in read_rows(source, progress, what):
        identity = row.row.pop("id", None)
        ids.append(0 if identity is None else _hash(identity) or 1)
        contents.append(_hash(row.row))
        splits.append(SPLITS.index(row.split))
        lines.append(row.number)
        categories[str(row.label("category") or NO_CATEGORY)] += 1
    return _Index(source, *map(np.asarray, (ids, contents, splits, lines)), categories)


def _hash(value: Any) -> int:
    return xxh3_64_intdigest(msgspec.json.encode(value, order="sorted"))


def _matches(left: np.ndarray, right: np.ndarray, left_open: np.ndarray, right_open: np.ndarray) -> list[np.ndarray]:
    """Positions in both of the keys that are equal, among the rows still open; each row is matched once at most."""
    places = left_open.nonzero()[0], right_open.nonzero()[0]
    keys = [_told_apart(side[rows]) for side, rows in zip((left, right), places, strict=True)]
    _, *found = np.intersect1d(*keys, assume_unique=True, return_indices=True)
    return [rows[positions] for rows, positions in zip(places, found, strict=True)]


def _told_apart(keys: np.ndarray) -> np.ndarray:
    """The n-th of equal keys gets a key of its own, which depends on n alone."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(keys)])
    rank = np.arange(len(keys)) - np.repeat(first, np.diff(np.append(first, len(keys))))
    told = np.empty_like(keys)
    told[order] = ordered + rank.astype(np.uint64) * np.uint64(_ODD)
    return told


def _mask(side: _Index, rows: np.ndarray) -> np.ndarray:
    mask = np.zeros(side.rows, bool)
    mask[rows] = True
    return mask


def _shares(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[Share, ...]:
    totals = max(1, sum(before.values())), max(1, sum(after.values()))
    names = [name for name in dict.fromkeys([*before, *after]) if before.get(name) or after.get(name)]
    return tuple(
        Share(name, old := before.get(name, 0), new := after.get(name, 0), old / totals[0], new / totals[1])
        for name in names
    )
