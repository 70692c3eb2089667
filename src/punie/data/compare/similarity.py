"""How alike texts are: runs of five words, their Jaccard similarity, and MinHash sketches that find candidates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from punie.data.compare.words import Numbers, Positions, Tokens, combined, grams, normalise, tokenise

SHINGLE_WORDS = 5
_PERMUTATIONS = 128
_WANTED_RECALL = 0.999
"""Share of pairs at the threshold that must become candidates."""
_MARGIN = 4 * 0.5 / math.sqrt(_PERMUTATIONS)
"""Four standard errors of a similarity that is estimated from a sketch, at their largest."""

Marks = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Shingles:
    """Runs of five words of several texts; text i has those from `offsets[i]` to `offsets[i + 1]`.

    A text of fewer words is one run, a text without words has none.
    """

    hashes: Numbers
    offsets: Positions

    def sets(self) -> list[Numbers]:
        """For each text its different runs, in ascending order."""
        return [np.unique(self.hashes[a:b]) for a, b in zip(self.offsets[:-1], self.offsets[1:], strict=True)]


def shingle(texts: Sequence[str]) -> Shingles:
    """Runs of five words, whatever their case, punctuation and white space."""
    words = tokenise([normalise(text) for text in texts]).words()
    counts = np.diff(words.offsets)
    runs = np.where(counts >= SHINGLE_WORDS, counts - SHINGLE_WORDS + 1, np.minimum(counts, 1))
    offsets = np.concatenate(([0], np.cumsum(runs)))
    hashes = np.empty(offsets[-1], np.uint64)
    whole = np.repeat(counts >= SHINGLE_WORDS, runs)
    starts = np.arange(offsets[-1]) + np.repeat(words.offsets[:-1] - offsets[:-1], runs)
    hashes[whole] = grams(words.hashes, SHINGLE_WORDS)[starts[whole]]
    hashes[~whole] = [_short(words, text) for text in np.flatnonzero((counts > 0) & (counts < SHINGLE_WORDS))]
    return Shingles(hashes, offsets)


def _short(words: Tokens, text: int) -> np.uint64:
    own = words.hashes[words.offsets[text] : words.offsets[text + 1]]
    return grams(own, len(own))[0]


def jaccard(one: Numbers, other: Numbers) -> float:
    """Shared runs / all runs, of two ascending sets. 0 where one is empty."""
    if not len(one) or not len(other):
        return 0.0
    shared = np.count_nonzero(np.isin(one, other, assume_unique=True))
    return float(shared / (len(one) + len(other) - shared))


@dataclass(frozen=True, slots=True)
class Bands:
    """A sketch cut into bands: texts that agree in one band are candidates."""

    count: int
    rows: int

    @classmethod
    def of(cls, threshold: float) -> Bands:
        """The longest bands that still make candidates of 99.9 % of the pairs at the threshold."""
        shapes = (cls(_PERMUTATIONS // rows, rows) for rows in range(_PERMUTATIONS // 2, 0, -1))
        return next((bands for bands in shapes if bands.recall(threshold) >= _WANTED_RECALL), cls(_PERMUTATIONS, 1))

    def recall(self, similarity: float) -> float:
        """The chance that two texts of this similarity agree in a band: 1 - (1 - s^rows)^count."""
        return 1 - (1 - similarity**self.rows) ** self.count


@dataclass(frozen=True, slots=True)
class Sketches:
    """MinHash sketches of texts: a key for each band, and a byte for each permutation to estimate similarity from."""

    keys: Numbers
    marks: Marks

    @classmethod
    def of(cls, shingles: Shingles, bands: Bands, seed: int) -> Sketches:
        """Shapes: (texts, bands) and (texts, 128). A text without words would agree with any other: leave it out."""
        from rensa import RMinHash  # ty: ignore[import-not-found]

        offsets = shingles.offsets.astype(np.uint64)
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(shingles.hashes, offsets, _PERMUTATIONS, seed)
        digests = np.array(matrix.to_rows(), np.uint32).reshape(-1, _PERMUTATIONS)
        parts = digests[:, : bands.count * bands.rows].reshape(-1, bands.count, bands.rows)
        keys = combined([np.arange(bands.count, dtype=np.uint64), *np.moveaxis(parts.astype(np.uint64), 2, 0)])
        return cls(keys, digests.astype(np.uint8))

    def only(self, texts: NDArray[np.bool_]) -> Sketches:
        """Of some of the texts."""
        return Sketches(self.keys[texts], self.marks[texts])

    @classmethod
    def joined(cls, parts: Sequence[Sketches]) -> Sketches:
        return cls(np.concatenate([part.keys for part in parts]), np.concatenate([part.marks for part in parts]))


class Neighbours:
    """Finds earlier texts that may be as alike as the threshold, by their bands. The caller numbers the texts."""

    def __init__(self, numbers: Positions, sketches: Sketches, threshold: float) -> None:
        self._numbers, self._sketches = numbers, sketches
        self._least = threshold - _MARGIN
        self._shared = _met_twice(sketches.keys)
        self._buckets: dict[int, list[int]] = {}

    def with_any(self) -> list[int]:
        """The texts that agree with another one in a band, in ascending order."""
        return self._numbers[self._shared.any(axis=1)].tolist()

    def before(self, number: int) -> list[int]:
        """Those that were added and look alike, the most alike first."""
        text = self._place(number)
        found = np.array(sorted({other for key in self._keys(text) for other in self._buckets.get(key, ())}), np.int64)
        estimates = (self._sketches.marks[found] == self._sketches.marks[text]).mean(axis=1)
        best = np.argsort(-estimates, kind="stable")
        return self._numbers[found[best[estimates[best] >= self._least]]].tolist()

    def add(self, number: int) -> None:
        text = self._place(number)
        for key in self._keys(text):
            self._buckets.setdefault(key, []).append(text)

    def _place(self, number: int) -> int:
        return int(np.searchsorted(self._numbers, number))

    def _keys(self, text: int) -> list[int]:
        return self._sketches.keys[text][self._shared[text]].tolist()


def _met_twice(keys: Numbers) -> NDArray[np.bool_]:
    """Which numbers of an array, of any shape, stand in it more than once."""
    order = np.argsort(keys, axis=None)
    ordered = keys.ravel()[order]
    same = ordered[1:] == ordered[:-1]
    met = np.zeros(keys.size, np.bool_)
    met[order[1:][same]] = True
    met[order[:-1][same]] = True
    return met.reshape(keys.shape)
