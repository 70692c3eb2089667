"""Which cases rows teach, by the rules of `punie dataset decontaminate`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from punie.data.compare.evidence import Tasks
from punie.data.compare.items import Benchmark
from punie.data.compare.text import TextRow, read_texts
from punie.data.source import Source
from punie.evaluation.suite import Case, case_row

TAUGHT = ("train", "valid")
"""Splits that a training learns from, or is chosen by."""

_BATCH = 2_000
"""Rows that are looked at together."""


@dataclass(frozen=True, slots=True)
class Taught:
    """How many rows were looked at, and the cases that were found there, by id, each with the rule that says so."""

    rows: int
    cases: dict[str, str]


def taught_cases(source: Source, cases: Iterable[Case]) -> Taught:
    """Raises DataError at a row that cannot be read."""
    tasks = Tasks(list(Benchmark.of("suite", map(case_row, cases)).items))
    found: dict[str, str] = {}
    rows, texts = 0, read_texts(source, TAUGHT)
    while batch := list(islice(texts, _BATCH)):
        rows += len(batch)
        found |= dict(_found(tasks, batch))
    return Taught(rows, found)


def _found(tasks: Tasks, rows: Sequence[TextRow]) -> Iterator[tuple[str, str]]:
    for _, evidence in tasks.evidence([row.text for row in rows]):
        if evidence.condemns:
            yield evidence.item.partition("/")[2], evidence.rule
