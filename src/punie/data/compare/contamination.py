"""Rows that teach a benchmark's own tasks are taken out, each with its evidence in the ledger."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from punie.data.compare.evidence import Evidence, Tasks, Testable
from punie.data.compare.items import Benchmark
from punie.data.compare.text import Text, TextRow, read_texts
from punie.data.dataset import Manifest, Parent
from punie.data.ledger import SUSPECTS, Removal, row_hash
from punie.data.progress import Progress, unheard, watched
from punie.data.provenance import Provenance
from punie.data.source import SPLITS, open_source
from punie.data.writer import DatasetWriter
from punie.files import hash_value

_UNTAUGHT = "test"
_BATCH = 1 << 19
"""Bytes of rows that are looked at together."""

Hits = Mapping[tuple[str, str, str], int]
"""Rows by (source, benchmark, rule)."""


@dataclass(frozen=True, slots=True)
class Decontamination:
    """What was kept; which rows were removed or are suspect; what of each benchmark could be looked for."""

    manifest: Manifest
    removed: Hits
    suspect: Hits
    testable: Mapping[str, Testable]


def decontaminate(
    source: Path, output: Path, *, against: Sequence[Benchmark], progress: Progress = unheard
) -> Decontamination:
    """Write the dataset without the rows of train and valid that hold a task of one of the benchmarks.

    The test split is never taught and stays as it is. `removed.jsonl` names task, shared words and share for each
    removed row; `suspects.jsonl` does so for rows that a person should look at.
    Raises DataError where no row to train on is left.
    """
    rows = open_source(source)
    provenance, tasks = Provenance(rows), Tasks([item for benchmark in against for item in benchmark.items])
    hashes = {benchmark.name: hash_value([asdict(item) for item in benchmark.items]) for benchmark in against}
    recipe = {"command": "decontaminate", "against": hashes}
    removed, suspect = Counter[tuple[str, str, str]](), Counter[tuple[str, str, str]]()
    with DatasetWriter(output, recipe=recipe) as writer:
        lines = dict[Path, int]()
        texts = watched(
            read_texts(rows, SPLITS), progress, "looking for tasks", rows.size, lambda row: len(row.raw) + 1
        )
        for row, worst in _judged(texts, tasks):
            if worst is not None:
                (removed if worst.condemns else suspect)[provenance.of(row), worst.benchmark, worst.rule] += 1
            _write(writer, row, worst)
            lines[row.path] = row.line
        writer.rows_in = sum(lines.values())
        writer.parents = (Parent(path=str(rows.root), fingerprint=rows.fingerprint(), rows=writer.rows_in),)
    assert writer.manifest is not None
    testable = {benchmark.name: tasks.testable(benchmark.name) for benchmark in against}
    return Decontamination(writer.manifest, removed, suspect, testable)


def _judged(rows: Iterable[TextRow], tasks: Tasks) -> Iterator[tuple[TextRow, Evidence | None]]:
    """Each row with what weighs most against it."""
    for batch in _batches(rows):
        taught = [row for row in batch if row.split != _UNTAUGHT]
        found = dict(zip(map(id, taught), weigh([row.text for row in taught], tasks), strict=True))
        for row in batch:
            yield row, found.get(id(row))


def weigh(texts: Sequence[Text], tasks: Tasks) -> list[Evidence | None]:
    """For each row what weighs most against it."""
    found: dict[int, list[Evidence]] = defaultdict(list)
    for index, evidence in tasks.evidence(texts):
        found[index].append(evidence)
    return [max(found[index], key=_weight) if index in found else None for index in range(len(texts))]


def _weight(evidence: Evidence) -> tuple[bool, float, int]:
    return evidence.condemns, evidence.score, len(evidence.span)


def _batches(rows: Iterable[TextRow]) -> Iterator[list[TextRow]]:
    batch, size = list[TextRow](), 0
    for row in rows:
        batch.append(row)
        size += len(row.raw)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    yield batch


def _write(writer: DatasetWriter, row: TextRow, worst: Evidence | None) -> None:
    if worst is None:
        writer.write(row.split, row.raw)
        return
    removal = Removal(str(row.path), row.line, row_hash(row.raw), worst.rule, worst.to_value(), worst.threshold)
    if worst.condemns:
        writer.remove(removal)
    else:
        writer.write(row.split, row.raw)
        writer.file(SUSPECTS).write(msgspec.json.encode(removal.to_row()) + b"\n")
