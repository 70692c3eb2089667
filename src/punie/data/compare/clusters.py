"""Rows that must not be parted: equal texts, the same code under other names, near copies, one common source id."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from punie.data.choose.snippets import snippets
from punie.data.compare.corpus import Corpus, scan
from punie.data.compare.similarity import Neighbours
from punie.data.compare.syntax import SMALLEST, parse, renamed_hash
from punie.data.compare.text import TextRow
from punie.data.progress import Progress, unheard, watched
from punie.data.source import Source


@dataclass(frozen=True, slots=True)
class Clusters:
    """`first_of` gives each row the first row of its cluster; `keys` and `strata` are those of each row itself."""

    corpus: Corpus
    first_of: Sequence[int]
    keys: Sequence[bytes]
    strata: Sequence[tuple[str | None, str | None]]


def cluster(
    source: Source, order: Sequence[str], *, threshold: float, seed: int, progress: Progress = unheard
) -> Clusters:
    """Clusters of a source's rows, numbered in the order in which the splits are read.

    A tie passes on: when a resembles b and b resembles c, all three belong together. A source id is the row's
    `source_id`, in a field of its own or in `metadata`. Strata are (category, difficulty).
    """
    ties, keys, strata = _Ties(), list[bytes](), list[tuple[str | None, str | None]]()

    def observe(row: TextRow) -> None:
        keys.append(row.text.key())
        strata.append((row.text.label("category"), row.text.label("difficulty")))
        ties.add(_marks(row))

    corpus, neighbours = scan(source, order, threshold=threshold, seed=seed, observe=observe, progress=progress)
    for row, first in enumerate(corpus.equal_to):
        ties.tie(first, row)
    _tie_near_copies(corpus, neighbours, threshold, ties, progress)
    return Clusters(corpus, [ties.first(row) for row in range(len(corpus))], keys, strata)


def code_hashes(text: str) -> list[str]:
    """Hashes, independent of names, of the Python code in a text: the text itself, or else its snippets."""
    if "def " not in text and "```" not in text:
        return []
    whole = parse(text)
    trees = [whole] if whole is not None else [parse(snippet.statements) for snippet in snippets(text)]
    hashes = [renamed_hash(tree) for tree in trees if tree is not None]
    return [found for found, nodes in hashes if nodes >= SMALLEST]


def _marks(row: TextRow) -> list[str]:
    """What ties this row to every other one that has the same."""
    source_id = row.text.label("source_id")
    marks = [f"code {found}" for found in code_hashes(row.text.answer())]
    return marks if source_id is None else [*marks, f"source {source_id}"]


def _tie_near_copies(corpus: Corpus, neighbours: Neighbours, threshold: float, ties: _Ties, progress: Progress) -> None:
    alike = neighbours.with_any()
    for row in watched(corpus.ahead(alike), progress, "comparing", len(alike)):
        for other in neighbours.before(row):
            if ties.first(row) != ties.first(other) and corpus.similarity(row, other) >= threshold:
                ties.tie(row, other)
        neighbours.add(row)


class _Ties:
    """Sets of rows that grow together; each is known by its first row."""

    def __init__(self) -> None:
        self._above = array("q")
        self._first_with: dict[str, int] = {}

    def add(self, marks: Sequence[str]) -> None:
        """Take the next row in, tied to the rows that have one of its marks."""
        row = len(self._above)
        self._above.append(row)
        for mark in marks:
            self.tie(self._first_with.setdefault(mark, row), row)

    def tie(self, one: int, other: int) -> None:
        low, high = sorted((self.first(one), self.first(other)))
        self._above[high] = low

    def first(self, row: int) -> int:
        while (above := self._above[row]) != row:
            self._above[row] = row = self._above[above]
        return row
