"""Rows that say the same, once: equal texts by their hash, near copies by a Jaccard similarity that was measured.

A row is compared with rows that were kept, never with removed ones, so no chain of small changes removes rows that are
not alike. Rows of test come first, then valid, then train: what stands in test is taken out of train.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from punie.data.compare.corpus import Corpus, scan
from punie.data.compare.similarity import Neighbours
from punie.data.compare.text import read_raw
from punie.data.dataset import Manifest, Parent
from punie.data.ledger import Removal, row_hash
from punie.data.progress import Progress, unheard, watched
from punie.data.provenance import Provenance
from punie.data.source import Source, open_source
from punie.data.writer import DatasetWriter
from punie.errors import DataError

THRESHOLD = 0.8
ALLOWED_SHARE = 20.0
_ORDER = ("test", "valid", "train")


@dataclass(frozen=True, slots=True)
class Copy:
    """A row to remove: the row it repeats, and how alike they are (1 for equal texts)."""

    of: int
    similarity: float
    equal: bool


@dataclass(frozen=True, slots=True)
class Share:
    """Rows of one source, and how many of them are copies."""

    rows: int
    removed: int

    @property
    def percent(self) -> float:
        return 100 * self.removed / self.rows


@dataclass(frozen=True, slots=True)
class Deduplication:
    """What was kept and removed, by rule and by source."""

    manifest: Manifest
    shares: Mapping[str, Share]


def dedup(
    source: Path,
    output: Path,
    *,
    exact_only: bool = False,
    threshold: float = THRESHOLD,
    seed: int = 0,
    allow_share: float = ALLOWED_SHARE,
    progress: Progress = unheard,
) -> Deduplication:
    """Write the dataset without copies; `removed.jsonl` names the row that each removed one repeats.

    `threshold` is a Jaccard similarity of five-word runs. `allow_share` is in percent of one source, as `Provenance`
    tells it. Raises DataError when more than that are copies.
    """
    rows, sources = open_source(source), list[str]()
    provenance = Provenance(rows)
    least = 1.0 if exact_only else threshold
    recipe = {"command": "dedup", "threshold": least, "seed": seed, "allow_share": allow_share}
    writer = DatasetWriter(output, recipe=recipe)
    corpus, neighbours = scan(
        rows,
        _ORDER,
        threshold=least,
        seed=seed,
        observe=lambda row: sources.append(provenance.of(row)),
        progress=progress,
    )
    copies = _find_copies(corpus, neighbours, least, progress)
    shares = _shares(sources, copies)
    _require_reason(shares, allow_share)
    writer.parents = (Parent(path=str(rows.root), fingerprint=rows.fingerprint(), rows=len(corpus)),)
    with writer:
        writer.rows_in = len(corpus)
        _write(rows, corpus, copies, least, writer, progress)
    assert writer.manifest is not None
    return Deduplication(writer.manifest, shares)


def _find_copies(corpus: Corpus, neighbours: Neighbours, threshold: float, progress: Progress) -> dict[int, Copy]:
    copies = {row: Copy(first, 1.0, equal=True) for row, first in enumerate(corpus.equal_to) if first != row}
    alike = neighbours.with_any()
    for row in watched(corpus.ahead(alike), progress, "comparing", len(alike)):
        for other in neighbours.before(row):
            if (similarity := corpus.similarity(row, other)) >= threshold:
                copies[row] = Copy(other, similarity, equal=False)
                break
        else:
            neighbours.add(row)
    # An equal row repeats what was kept in the end, not a near copy that was removed itself.
    return {row: _settled(copy, copies) for row, copy in copies.items()}


def _settled(copy: Copy, copies: Mapping[int, Copy]) -> Copy:
    kept = copies.get(copy.of)
    return copy if kept is None else kept


def _shares(sources: list[str], copies: Mapping[int, Copy]) -> dict[str, Share]:
    removed = Counter(sources[row] for row in copies)
    return {source: Share(rows, removed[source]) for source, rows in Counter(sources).items()}


def _require_reason(shares: Mapping[str, Share], allowed: float) -> None:
    for source, share in shares.items():
        if share.percent > allowed:
            raise DataError(
                f"{share.removed} of {share.rows} rows ({share.percent:.1f} %) of one source are copies of other rows.",
                where=source,
                hint=f"More than {allowed:g} % is more likely a wrong threshold than a bad source. Look at the rows, "
                f"then allow it with --allow-share {min(100, int(share.percent) + 1)}.",
            )


def _write(
    source: Source,
    corpus: Corpus,
    copies: Mapping[int, Copy],
    threshold: float,
    writer: DatasetWriter,
    progress: Progress,
) -> None:
    rows = watched(read_raw(source, _ORDER), progress, "writing", len(corpus))
    for row, (split, path, line, raw) in enumerate(rows):
        if (copy := copies.get(row)) is None:
            writer.write(split, raw)
            continue
        rule, limit = ("duplicate", 1.0) if copy.equal else ("near duplicate", threshold)
        value = {"similarity": round(copy.similarity, 4), "of": corpus.where(copy.of)}
        writer.remove(Removal(str(path), line, row_hash(raw), rule, value, limit))
