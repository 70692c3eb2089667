"""Train, valid and test that share nothing: rows that belong together stay together, and more rows move no old one.

The side of a cluster is a keyed hash of its first row's text, read as a number from 0 to 1. So it depends on nothing
but the seed, the shares and that row:

- a new row without ties to others changes nothing about them;
- a new row at the end that is tied to one cluster takes that cluster's side;
- a new row at the end that ties two clusters together puts the later one on the earlier one's side. Nothing else moves.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from punie.data.compare.clusters import Clusters, cluster
from punie.data.compare.corpus import Corpus
from punie.data.compare.text import read_raw
from punie.data.compare.words import Numbers, Positions
from punie.data.dataset import Manifest, Parent
from punie.data.progress import Progress, unheard, watched
from punie.data.source import SPLITS, open_source
from punie.data.writer import DatasetWriter
from punie.errors import UsageError

LEAK = 0.7
"""Jaccard similarity of five-word runs from which two rows are the same task."""

Stratum = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class Leakage:
    """How alike train and test are: the most alike pair, as file:line each, and the pairs at 0.7 or more."""

    largest: float
    pair: tuple[str, str] | None
    pairs_above: int


@dataclass(frozen=True, slots=True)
class Fit:
    """What share of a stratum's clusters fell to a side, what was asked for, and the standard deviation: in percent.

    Sides are drawn for each cluster by itself, so their number is binomial: 100 sqrt(p (1 - p) / n).
    """

    share: float
    asked: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Splitting:
    """What went where. `strata` counts clusters by (category, difficulty) and split."""

    manifest: Manifest
    clusters: int
    largest_cluster: int
    strata: Mapping[Stratum, Mapping[str, int]]
    leakage: Leakage

    def fit(self, stratum: Stratum, side: str) -> Fit:
        """How near a stratum came to the share that was asked for; `side` is valid or test."""
        counts, asked = self.strata[stratum], float(self.manifest.recipe[side])
        clusters = sum(counts.values())
        return Fit(100 * counts.get(side, 0) / clusters, asked, (asked * (100 - asked) / clusters) ** 0.5)


def split(
    source: Path,
    output: Path,
    *,
    test: float = 10.0,
    valid: float = 10.0,
    seed: int = 0,
    progress: Progress = unheard,
) -> Splitting:
    """Divide all rows of a source anew; `test` and `valid` are in percent of the clusters of each stratum.

    Raises UsageError where the shares leave nothing for train, DataError where nothing falls to train.
    """
    if test < 0 or valid < 0 or test + valid >= 100:
        raise UsageError(f"{test:g} % for test and {valid:g} % for valid leave nothing to train on.")
    rows = open_source(source)
    recipe = {"command": "split", "test": test, "valid": valid, "seed": seed}
    writer = DatasetWriter(output, recipe=recipe)
    found = cluster(rows, SPLITS, threshold=LEAK, seed=0, progress=progress)
    sides = {first: side_of(found.keys[first], test, valid, seed) for first in set(found.first_of)}
    sides_of_rows = [sides[first] for first in found.first_of]
    writer.parents = (Parent(path=str(rows.root), fingerprint=rows.fingerprint(), rows=len(found.corpus)),)
    with writer:
        writer.rows_in = len(found.corpus)
        written = watched(read_raw(rows, SPLITS), progress, "writing", len(found.corpus))
        for side, (_, _, _, raw) in zip(sides_of_rows, written, strict=True):
            writer.write(side, raw)
    assert writer.manifest is not None
    sizes = Counter(found.first_of)
    strata = _strata(found, sides)
    return Splitting(
        writer.manifest, len(sizes), max(sizes.values()), strata, _leakage(found.corpus, sides_of_rows, progress)
    )


def side_of(key: bytes, test: float, valid: float, seed: int) -> str:
    """ "test", "valid" or "train", for a text's key: the same for ever. Shares are in percent."""
    digest = blake2b(key, key=seed.to_bytes(8, "big"), digest_size=8).digest()
    place = 100 * int.from_bytes(digest, "big") / 2**64
    return "test" if place < test else "valid" if place < test + valid else "train"


def _strata(clusters: Clusters, sides: Mapping[int, str]) -> dict[Stratum, Counter[str]]:
    """A cluster counts for the stratum of its first row."""
    strata: dict[Stratum, Counter[str]] = defaultdict(Counter)
    for first, side in sides.items():
        strata[clusters.strata[first]][side] += 1
    return dict(sorted(strata.items(), key=str))


def _leakage(corpus: Corpus, sides: Sequence[str], progress: Progress) -> Leakage:
    """Every row of train against every row of test that shares a run of words with it, exactly."""
    test = _Postings(corpus, [row for row, side in enumerate(sides) if side == "test"])
    largest, pair, above = 0.0, None, 0
    taught = [row for row, side in enumerate(sides) if side == "train"]
    for row in watched(corpus.ahead(taught), progress, "comparing train with test", len(taught)):
        similarities = test.similarities(corpus.shingles(row))
        above += int(np.count_nonzero(similarities >= LEAK))
        if len(similarities) and (best := int(similarities.argmax())) >= 0 and similarities[best] > largest:
            largest, pair = float(similarities[best]), (corpus.where(row), corpus.where(test.rows[best]))
    return Leakage(largest, pair, above)


class _Postings:
    """Which of some rows have a run of words."""

    def __init__(self, corpus: Corpus, rows: Sequence[int]) -> None:
        self.rows = rows
        sets = [corpus.shingles(row) for row in corpus.ahead(rows)]
        self._sizes = np.array([len(found) for found in sets], np.int64)
        everything = np.concatenate([np.empty(0, np.uint64), *sets])
        order = np.argsort(everything, kind="stable")
        self._runs: Numbers = everything[order]
        self._owners: Positions = np.repeat(np.arange(len(rows)), self._sizes)[order]

    def similarities(self, runs: Numbers) -> np.ndarray:
        """Jaccard similarity of one set with that of each row."""
        begins, ends = np.searchsorted(self._runs, runs, "left"), np.searchsorted(self._runs, runs, "right")
        met = np.flatnonzero(begins < ends)
        owners = [self._owners[begins[place] : ends[place]] for place in met]
        shared = np.bincount(_joined(owners), minlength=len(self.rows))
        return shared / np.maximum(1, len(runs) + self._sizes - shared)


def _joined(parts: Iterable[Positions]) -> Positions:
    return np.concatenate([np.empty(0, np.int64), *parts])
