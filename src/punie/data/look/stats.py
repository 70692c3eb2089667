"""What a dataset holds: counts, lengths, padding, repeats, and what was removed on the way. Every count is of rows."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from xxhash import xxh3_64_intdigest

from punie.data.compare.words import normalise
from punie.data.dataset import MANIFEST, Manifest, read_manifest
from punie.data.ledger import LEDGER, SUSPECTS
from punie.data.look.facets import FACETS
from punie.data.look.lineage import Step, lineage
from punie.data.look.removed import RuleRemovals, read_removed
from punie.data.look.tokens import Histogram, Padding, PaddingMeter, TokenCounter, expected_padding, row_text
from punie.data.progress import Progress, unheard
from punie.data.source import SPLITS, SourceRow, open_source, read_rows

_BATCH_BYTES = 1 << 16
"""What a tokenizer makes of its input takes some thirty times as much memory."""

_LEAKS_SHOWN = 5

Counts = Counter[tuple[str, str]]
"""(name, split) -> rows."""


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """What the token figures are for: the folder of a model, and the plan's batch size and row limit."""

    model: Path
    batch_size: int = 4
    max_seq_length: int = 2048


@dataclass(frozen=True, slots=True)
class TokenStats:
    """Lengths in the model's tokens. `longer` rows are cut in training, which loses `lost` tokens.

    Padding is that of the train split; NaN where it does not fill a batch.
    """

    settings: TokenSettings
    lengths: Histogram
    longer: int
    lost: int
    padding: Padding


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Rows whose text, in lower case and with single spaces, was already in a row before; and those across splits.

    `leaks` are the first of the latter: the later row and the earlier one, as split:line.
    """

    rows: int
    across_splits: int
    leaks: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Stats:
    """`facets` maps a title to its counts. `removed` is from the ledger beside the rows, `suspects` from that of
    rows that were kept although they share something with a benchmark."""

    name: str
    path: Path
    size: int
    splits: Mapping[str, int]
    facets: Mapping[str, Counts]
    characters: Histogram
    tokens: TokenStats | None
    duplicates: Duplicates
    removed: tuple[RuleRemovals, ...]
    suspects: tuple[RuleRemovals, ...]
    manifest: Manifest | None
    steps: tuple[Step, ...]
    """That made it, the oldest first."""

    @property
    def rows(self) -> int:
        return sum(self.splits.values())


def stats(path: Path, tokens: TokenSettings | None = None, progress: Progress = unheard) -> Stats:
    """One pass over the rows; memory grows by 9 bytes a row.

    Raises UsageError for a path that is no dataset and a model without tokenizer.json, DataError at a line that is
    not a JSON object.
    """
    source = open_source(path)
    survey = _Survey(tokens)
    rows = read_rows(source, progress, "counting")
    for batch in _batches(rows):
        survey.add(batch)
    manifest = read_manifest(path) if (path / MANIFEST).is_file() else None
    return Stats(
        name=source.name,
        path=path,
        size=source.size,
        splits={split: survey.splits[split] for split in SPLITS if split in survey.splits},
        facets=survey.facets,
        characters=survey.characters,
        tokens=survey.tokens.finish() if survey.tokens else None,
        duplicates=survey.duplicates(),
        removed=read_removed(path / LEDGER),
        suspects=read_removed(path / SUSPECTS),
        manifest=manifest,
        steps=lineage(path, manifest) if manifest else (),
    )


def _batches(rows: Iterable[SourceRow]) -> Iterator[list[SourceRow]]:
    batch, size = list[SourceRow](), 0
    for row in rows:
        batch.append(row)
        size += len(row.raw)
        if size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    yield batch


@dataclass(slots=True)
class _Survey:
    """Everything that is added up on the way through the rows."""

    settings: TokenSettings | None
    splits: Counter[str] = field(default_factory=Counter)
    facets: dict[str, Counts] = field(default_factory=lambda: {title: Counter() for title in FACETS})
    characters: Histogram = field(default_factory=Histogram)
    hashes: array[int] = field(default_factory=lambda: array("Q"))
    places: array[int] = field(default_factory=lambda: array("B"))
    tokens: _TokenSurvey | None = None

    def __post_init__(self) -> None:
        self.tokens = _TokenSurvey(self.settings) if self.settings else None

    def add(self, batch: Sequence[SourceRow]) -> None:
        texts = [row_text(row.row) for row in batch]
        for row, text in zip(batch, texts, strict=True):
            self.splits[row.split] += 1
            self.characters.add(len(text))
            self.hashes.append(xxh3_64_intdigest(" ".join(normalise(text).split()).encode()))
            self.places.append(SPLITS.index(row.split))
            for title, names in FACETS.items():
                self.facets[title].update((name, row.split) for name in names(row))
        if self.tokens:
            self.tokens.add([row.split for row in batch], texts)

    def duplicates(self) -> Duplicates:
        hashes, places = np.asarray(self.hashes), np.asarray(self.places)
        unique, first = np.unique(hashes, return_index=True)
        earlier = first[np.searchsorted(unique, hashes)]
        leaking = np.flatnonzero(places[earlier] != places)
        leaks = tuple((self._place(row), self._place(earlier[row])) for row in leaking[:_LEAKS_SHOWN])
        return Duplicates(len(hashes) - len(unique), len(leaking), leaks)

    def _place(self, row: int) -> str:
        """Rows were read split by split, and each is a line."""
        split = SPLITS[self.places[row]]
        before = sum(count for name, count in self.splits.items() if SPLITS.index(name) < self.places[row])
        return f"{split}:{row - before + 1}"


class _TokenSurvey:
    def __init__(self, settings: TokenSettings) -> None:
        self.settings = settings
        self._counter = TokenCounter(settings.model)
        self._all, self._train = Histogram(), Histogram()
        self._meter = PaddingMeter(settings.batch_size, settings.max_seq_length)
        self._longer = self._lost = 0

    def add(self, splits: Sequence[str], texts: Sequence[str]) -> None:
        for split, length in zip(splits, self._counter.count(texts), strict=True):
            self._all.add(length)
            lost = max(0, length - self.settings.max_seq_length)
            self._longer += lost > 0
            self._lost += lost
            if split == "train":
                self._train.add(length)
                self._meter.add(length)

    def finish(self) -> TokenStats:
        padding = expected_padding(self._train, self._meter)
        return TokenStats(self.settings, self._all, self._longer, self._lost, padding)
