"""How much of known texts stands in others: runs of n words that are looked up, and the share of a text they cover."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from punie.data.compare.words import Numbers, Positions, Tokens, grams, grams_at

_WORD_BITS, _RUN_BITS = 16, 20
_WORD_SHIFT, _RUN_SHIFT = np.uint64(64 - _WORD_BITS), np.uint64(64 - _RUN_BITS)
"""Words and runs that are known, as tables: what shares a place in one by chance is looked at more closely."""
_PLACE_BITS = 24
"""Known texts are shorter than 16 million words."""
_PLACE_MASK = (1 << _PLACE_BITS) - 1


@dataclass(frozen=True, slots=True)
class Overlap:
    """A known text found in another one: how many of its words are covered, their share, its longest covered part."""

    row: int
    known: int
    covered: int
    share: float
    begin: int
    end: int


class KnownTexts:
    """Texts to look for, as runs of `size` words, each kept with its places."""

    def __init__(self, texts: Sequence[Numbers], size: int) -> None:
        self._size = size
        self._lengths = np.array([len(text) for text in texts], np.int64)
        runs = [grams(text, size) for text in texts]
        hashes = np.concatenate([np.empty(0, np.uint64), *runs])
        order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[order]
        self._owners = np.repeat(np.arange(len(texts)), [len(found) for found in runs])[order]
        self._places = np.concatenate([np.empty(0, np.int64), *(np.arange(len(found)) for found in runs)])[order]
        self._words: NDArray[np.bool_] = np.zeros(1 << _WORD_BITS, np.bool_)
        for text in texts:
            self._words[text >> _WORD_SHIFT] = True
        self._runs: NDArray[np.bool_] = np.zeros(1 << _RUN_BITS, np.bool_)
        self._runs[hashes >> _RUN_SHIFT] = True

    def overlaps(self, tokens: Tokens, least: float) -> Iterator[Overlap]:
        """Known texts of which at least this share stands in a row of tokens."""
        for row, known, places in self._met(tokens, least):
            begin, end, covered = _cover(places, self._size)
            if (share := covered / self._lengths[known]) >= least:
                yield Overlap(row, known, covered, float(share), begin, end)

    def _met(self, tokens: Tokens, least: float) -> Iterator[tuple[int, int, list[int]]]:
        """(row, known text, places in it where shared runs begin), where there are enough of them for the share."""
        rows, entries = self._found(tokens)
        # Row, text and place in one number, so that sorting them is fast.
        met = np.unique((rows * len(self._lengths) + self._owners[entries]) << _PLACE_BITS | self._places[entries])
        pairs = met >> _PLACE_BITS
        begins = np.flatnonzero(np.diff(pairs, prepend=-1))
        counts = np.diff(begins, append=len(met))
        enough = counts * self._size >= least * self._lengths[pairs[begins] % max(1, len(self._lengths))]
        for begin, count in zip(begins[enough].tolist(), counts[enough].tolist(), strict=True):
            row, known = divmod(int(pairs[begin]), len(self._lengths))
            yield row, known, (met[begin : begin + count] & _PLACE_MASK).tolist()

    def _found(self, tokens: Tokens) -> tuple[Positions, Positions]:
        """For each run of the tokens that is known: the row it stands in, once for each of its entries, and these."""
        places = np.flatnonzero(self._of_known_words(tokens.hashes))
        runs = grams_at(tokens.hashes, places, self._size)
        met = np.flatnonzero(self._runs.take((runs >> _RUN_SHIFT).view(np.int64)))
        places, runs = places[met], runs[met]
        rows = np.searchsorted(tokens.offsets, places, "right") - 1
        inside = places + self._size <= tokens.offsets[rows + 1]
        rows, runs = rows[inside], runs[inside]
        begins = np.searchsorted(self._hashes, runs, "left")
        counts = np.searchsorted(self._hashes, runs, "right") - begins
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(rows, counts), np.repeat(begins, counts) + within

    def _of_known_words(self, hashes: Numbers) -> NDArray[np.bool_]:
        """For each run, whether all its words stand in some known text: few do, and only those are hashed.

        Runs of 1, 2, 4 ... words are put together, the last two of them overlapping.
        """
        count, length = max(0, len(hashes) - self._size + 1), 1
        known = self._words.take((hashes >> _WORD_SHIFT).view(np.int64))
        while 2 * length <= self._size:
            known = known[:-length] & known[length:]
            length *= 2
        return known[:count] & known[self._size - length :][:count]


def _cover(places: Sequence[int], size: int) -> tuple[int, int, int]:
    """Begin and end of the longest covered part, and how many words are covered in all."""
    longest, covered, begin, end = (0, 0), 0, places[0], places[0]
    for place in places:
        if place > end:
            covered += end - begin
            begin = place
        end = place + size
        if end - begin > longest[1] - longest[0]:
            longest = (begin, end)
    return *longest, covered + end - begin
