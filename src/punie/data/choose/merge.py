"""Several datasets as one: shares and caps, every text once, nothing of a test split in train, each row's origin.

Rows are taken split by split, test first, then valid, then train, and within a split in the order of the sources. So of
two equal rows the one in the more precious split stays: a row of train that stands in a test split is a `leak`, any
other repetition a `duplicate`. Which rows a share or a cap leaves depends on the seed and their text, not their place.
"""

from __future__ import annotations

import difflib
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import xxhash

from punie.data.compare.text import Text, TextRow, read_raw, read_texts
from punie.data.dataset import Manifest, Parent
from punie.data.ledger import Removal, row_hash
from punie.data.progress import Progress, unheard, watched
from punie.data.provenance import PROVENANCE
from punie.data.source import SPLITS, Source, open_source
from punie.data.writer import DatasetWriter
from punie.errors import DataError, UsageError

_ORDER = tuple(reversed(SPLITS))
_RANKS = 2**64


@dataclass(frozen=True, slots=True)
class Mixture:
    """How much of what, by source and by category: shares are over 0 and at most 1, caps are rows over all splits."""

    weights: Mapping[str, float] = field(default_factory=dict)
    caps: Mapping[str, int] = field(default_factory=dict)
    category_weights: Mapping[str, float] = field(default_factory=dict)
    category_caps: Mapping[str, int] = field(default_factory=dict)
    seed: int = 0

    def to_recipe(self) -> dict[str, Any]:
        return {
            "weights": dict(self.weights),
            "caps": dict(self.caps),
            "category_weights": dict(self.category_weights),
            "category_caps": dict(self.category_caps),
            "seed": self.seed,
        }


@dataclass(frozen=True, slots=True)
class Merging:
    """What was written, and by source the rows that came in and those that stayed."""

    manifest: Manifest
    rows: Mapping[str, int]
    kept: Mapping[str, int]


def merge(
    paths: Sequence[Path],
    output: Path,
    *,
    name: str | None = None,
    mixture: Mixture | None = None,
    progress: Progress = unheard,
) -> Merging:
    """Write the rows of several datasets as one, split by split, with `provenance.jsonl` beside them.

    Raises UsageError for a share or a cap of nothing that is there; DataError where two shapes would stand in one file.
    """
    mixture = mixture or Mixture()
    sources = _named([open_source(path) for path in paths])
    _require_sense(sources, mixture)
    writer = DatasetWriter(output, name=name, recipe={"command": "merge", **mixture.to_recipe()})
    plan = _Plan(sources, mixture, progress)
    writer.parents = tuple(
        Parent(path=str(source.root), fingerprint=source.fingerprint(), rows=plan.rows[label])
        for label, source in sources.items()
    )
    with writer:
        writer.rows_in = len(plan.removals)
        kept = _write(sources, plan, writer, progress)
    assert writer.manifest is not None
    return Merging(writer.manifest, plan.rows, kept)


def _named(sources: Sequence[Source]) -> dict[str, Source]:
    """Sources by name, or by path where two have the same name."""
    if len({source.root.resolve() for source in sources}) < len(sources):
        raise UsageError("The same dataset is given twice.", hint="Give every dataset once.")
    names = Counter(source.name for source in sources)
    return {source.name if names[source.name] == 1 else str(source.root): source for source in sources}


def _require_sense(sources: Mapping[str, Source], mixture: Mixture) -> None:
    if len(sources) < 1:
        raise UsageError("There is nothing to merge.", hint="Give at least one dataset.")
    for label in [*mixture.weights, *mixture.caps]:
        if label not in sources:
            raise _unknown("source", label, list(sources))
    for label, weight in [*mixture.weights.items(), *mixture.category_weights.items()]:
        if not 0 < weight <= 1:
            raise UsageError(
                f"The share of {label} is {weight:g}; it must be over 0 and at most 1.",
                hint="Rows are never repeated: to see some more often, take fewer of the others.",
            )
    for label, cap in [*mixture.caps.items(), *mixture.category_caps.items()]:
        if cap < 1:
            raise UsageError(f"The cap of {label} is {cap}; it must be at least 1.")


def _unknown(kind: str, label: str, known: Sequence[str]) -> UsageError:
    close = difflib.get_close_matches(label, known, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(known)}."
    return UsageError(f"There is no {kind} called {label!r}.", hint=hint)


Dropped = tuple[str, Any, Any]
"""Rule, value and threshold."""


class _Plan:
    """What becomes of every row, in the order in which rows are read; some hundred bytes for a row."""

    def __init__(self, sources: Mapping[str, Source], mixture: Mixture, progress: Progress) -> None:
        self._mixture = mixture
        self._first_with: dict[bytes, int] = {}
        self._parts: list[tuple[int, str, Path]] = []
        self._splits: list[str] = []
        self._ranks = array("Q")
        self._labels: list[tuple[str, str | None]] = []
        self._shapes: dict[str, tuple[str, str]] = {}
        self.removals: list[Dropped | None] = []
        size = sum(source.size for source in sources.values())
        for label, row in watched(_rows(sources), progress, "reading", size, lambda item: len(item[1].raw) + 1):
            self._take(label, row)
        self.rows = Counter(label for label, _ in self._labels)
        self._require_categories()
        self._cap(mixture.caps, "cap", lambda labels: labels[0])
        self._cap(mixture.category_caps, "category cap", lambda labels: labels[1])

    def _take(self, label: str, row: TextRow) -> None:
        if not self._parts or self._parts[-1][2] != row.path:
            self._parts.append((len(self.removals), row.split, row.path))
        self._require_one_shape(row)
        key, category = row.text.key(), row.text.label("category")
        rank = xxhash.xxh3_64_intdigest(key, seed=self._mixture.seed)
        self._ranks.append(rank)
        self._labels.append((label, category))
        self.removals.append(self._unchosen(label, category, rank) or self._repeated(key, row.split))

    def _unchosen(self, label: str, category: str | None, rank: int) -> Dropped | None:
        share = self._mixture.weights.get(label, 1.0) * self._mixture.category_weights.get(category or "", 1.0)
        return ("weight", round(rank / _RANKS, 6), share) if rank >= share * _RANKS else None

    def _repeated(self, key: bytes, split: str) -> Dropped | None:
        number = len(self.removals)
        if (first := self._first_with.setdefault(key, number)) == number:
            return None
        other, path = self._place(first)
        rule = "duplicate" if other == split else "leak"
        return rule, {"of": path}, f"once in {split}" if other == split else f"not in {other}"

    def _place(self, number: int) -> tuple[str, str]:
        """(split, file:line)."""
        first, split, path = self._parts[bisect_right(self._parts, number, key=lambda part: part[0]) - 1]
        return split, f"{path}:{number - first + 1}"

    def _cap(self, caps: Mapping[str, int], rule: str, label_of: Any) -> None:
        """Of each label with too many rows left, those with the lowest ranks stay."""
        for label, cap in caps.items():
            left = [
                row for row, gone in enumerate(self.removals) if gone is None and label_of(self._labels[row]) == label
            ]
            for row in sorted(left, key=lambda row: (self._ranks[row], row))[cap:]:
                self.removals[row] = (rule, len(left), cap)

    def _require_categories(self) -> None:
        known = {category for _, category in self._labels if category is not None}
        for label in [*self._mixture.category_weights, *self._mixture.category_caps]:
            if label not in known:
                raise _unknown("category", label, sorted(known) or ["none"])

    def _require_one_shape(self, row: TextRow) -> None:
        shape = _shape(row.text)
        first, where = self._shapes.setdefault(row.split, (shape, row.where))
        if shape != first:
            raise DataError(
                f"This is a {shape} row, and the {row.split} split would begin with a {first} row ({where}).",
                where=row.where,
                hint="mlx-lm reads a whole file in the shape of its first row: merge datasets of one shape.",
            )


def _shape(text: Text) -> str:
    if text.prompt is not None and text.completion is not None:
        return "completion"
    return "text" if text.messages is None else "chat"


def _rows(sources: Mapping[str, Source]) -> Iterator[tuple[str, TextRow]]:
    for split in _ORDER:
        for label, source in sources.items():
            yield from ((label, row) for row in read_texts(source, [split]))


def _write(sources: Mapping[str, Source], plan: _Plan, writer: DatasetWriter, progress: Progress) -> Counter[str]:
    kept = Counter[str]()
    rows = ((label, row) for split in _ORDER for label, source in sources.items() for row in read_raw(source, [split]))
    watched_rows = watched(rows, progress, "writing", len(plan.removals))
    for gone, (label, (split, path, line, raw)) in zip(plan.removals, watched_rows, strict=True):
        if gone is not None:
            rule, value, threshold = gone
            writer.remove(Removal(str(path), line, row_hash(raw), rule, value, threshold))
            continue
        writer.write(split, raw)
        kept[label] += 1
        origin = {"split": split, "line": writer.counts[split], "source": label, "file": str(path), "from": line}
        writer.file(PROVENANCE).write(msgspec.json.encode(origin) + b"\n")
    return kept
