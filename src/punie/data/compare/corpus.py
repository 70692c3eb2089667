"""A source read once, to compare its rows: which are equal, and sketches of the others. About 500 bytes for a row."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from punie.data.compare.similarity import Bands, Neighbours, Sketches, jaccard, shingle
from punie.data.compare.text import TextRow, decode_text, read_texts
from punie.data.compare.words import Numbers
from punie.data.progress import Progress, unheard, watched
from punie.data.source import Source
from punie.files import open_input

_BATCH = 1 << 20
"""Characters of text sketched at a time."""
_SHELF = 1 << 23
"""Runs of words kept at hand: 64 MB."""
_AHEAD = 256

Observe = Callable[[TextRow], None]


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows of one file: those from number `first` on."""

    split: str
    path: Path
    first: int


class Corpus:
    """Rows are numbered from 0 in the order in which they were read. Texts are read again when they are needed."""

    def __init__(self) -> None:
        self.equal_to = array("q")
        """For each row the first row with the same key, which may be itself."""
        self._parts: list[_Part] = []
        self._offsets = array("q")
        self._sets: dict[int, Numbers] = {}
        self._held = 0

    def __len__(self) -> int:
        return len(self.equal_to)

    def note(self, row: TextRow, equal_to: int) -> None:
        """Take the next row in. `equal_to` is the number of a row before it, or its own."""
        if not self._parts or self._parts[-1].path != row.path:
            self._parts.append(_Part(row.split, row.path, len(self)))
        self._offsets.append(row.offset)
        self.equal_to.append(equal_to)

    def split(self, row: int) -> str:
        return self._part(row).split

    def where(self, row: int) -> str:
        """file:line."""
        part = self._part(row)
        return f"{part.path}:{row - part.first + 1}"

    def similarity(self, one: int, other: int) -> float:
        """Jaccard similarity of the dialogues of two rows, exactly."""
        return jaccard(self.shingles(one), self.shingles(other))

    def shingles(self, row: int) -> Numbers:
        """The different runs of words of a row's dialogue, in ascending order."""
        if row not in self._sets:
            self._fetch([row])
        return self._sets[row]

    def ahead(self, rows: Sequence[int]) -> Iterator[int]:
        """The same rows, with their texts fetched many at a time."""
        for begin in range(0, len(rows), _AHEAD):
            some = rows[begin : begin + _AHEAD]
            self._fetch([row for row in some if row not in self._sets])
            yield from some

    def _fetch(self, rows: Sequence[int]) -> None:
        for row, found in zip(rows, shingle([self._dialogue(row) for row in rows]).sets(), strict=True):
            self._sets[row] = found
            self._held += len(found)
        while self._held > _SHELF and len(self._sets) > len(rows):
            self._held -= len(self._sets.pop(next(iter(self._sets))))

    def _dialogue(self, row: int) -> str:
        part = self._part(row)
        with open_input(part.path) as file:
            file.seek(self._offsets[row])
            return decode_text(file.readline().removesuffix(b"\n"), self.where(row)).dialogue()

    def _part(self, row: int) -> _Part:
        return next(part for part in reversed(self._parts) if part.first <= row)


class _Sketcher:
    """Sketches rows many at a time."""

    def __init__(self, threshold: float, seed: int) -> None:
        self._threshold, self._bands, self._seed = threshold, Bands.of(threshold), seed
        self._numbers = array("q")
        self._parts: list[Sketches] = []
        self._waiting: list[tuple[int, str]] = []
        self._size = 0

    def add(self, number: int, dialogue: str) -> None:
        self._waiting.append((number, dialogue))
        self._size += len(dialogue)
        if self._size > _BATCH:
            self._sketch()

    def neighbours(self) -> Neighbours:
        self._sketch()
        return Neighbours(np.array(self._numbers, np.int64), Sketches.joined(self._parts), self._threshold)

    def _sketch(self) -> None:
        shingles = shingle([dialogue for _, dialogue in self._waiting])
        has_words = np.diff(shingles.offsets) > 0
        self._parts.append(Sketches.of(shingles, self._bands, self._seed).only(has_words))
        self._numbers.extend(
            number for (number, _), any_words in zip(self._waiting, has_words, strict=True) if any_words
        )
        self._waiting, self._size = [], 0


def scan(
    source: Source,
    order: Sequence[str],
    *,
    threshold: float,
    seed: int,
    observe: Observe | None = None,
    progress: Progress = unheard,
) -> tuple[Corpus, Neighbours]:
    """Read a source once; `observe` sees every row. Rows that equal an earlier one are not sketched."""
    corpus, sketcher = Corpus(), _Sketcher(threshold, seed)
    first_with: dict[bytes, int] = {}
    rows = watched(read_texts(source, order), progress, "reading", source.size, lambda row: len(row.raw) + 1)
    for row in rows:
        number = len(corpus)
        first = first_with.setdefault(row.text.key(), number)
        corpus.note(row, first)
        if first == number and threshold < 1:
            sketcher.add(number, row.text.dialogue())
        if observe is not None:
            observe(row)
    return corpus, sketcher.neighbours()
