"""Difficulty written into a dataset: a figure of each measure, and easy, medium or hard by the first of them.

Every row stays. One without a figure gets none and no label, and has a line in the ledger `unscored.jsonl`.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from punie.curriculum.correlation import Correlation, correlate
from punie.curriculum.measure import Measure, Unscored
from punie.data.check.keys import require_distinct_keys
from punie.data.dataset import Manifest, Parent
from punie.data.ledger import row_hash
from punie.data.progress import Progress, unheard
from punie.data.schema import row_label
from punie.data.source import Source, SourceRow, open_source, read_rows
from punie.data.writer import DatasetWriter
from punie.errors import DataError, UsageError

LABEL = "difficulty"
LEVELS = ("easy", "medium", "hard")
LEDGER = "unscored.jsonl"
THRESHOLDS: Mapping[str, tuple[float, float]] = {"overall": (2.0, 4.0)}
"""From which figure on a row is medium and from which it is hard: those of the paper, for its own metric."""
_MISSING = float("nan")


@dataclass(frozen=True, slots=True)
class Spread:
    """Of the rows that have a figure, the least, the quartiles and the greatest; of the others, how many and why."""

    measure: str
    rows: int
    quantiles: tuple[float, ...]
    """Five; none where no row has a figure."""
    mean: float | None
    unscored: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Scoring:
    """`labels` counts rows by split and label; those without a label stand under None."""

    manifest: Manifest
    thresholds: tuple[float, float]
    labels: Mapping[str, Mapping[str | None, int]]
    spreads: tuple[Spread, ...]
    correlations: tuple[Correlation, ...]


def score(
    path: Path,
    output: Path,
    measures: Sequence[Measure],
    *,
    thresholds: tuple[float, float] | None = None,
    progress: Progress = unheard,
) -> Scoring:
    """Write the dataset with a figure of every measure, and a label by the first, in each row's metadata.

    Without `thresholds` a measure that has none of its own is cut into thirds. Raises UsageError for thresholds that
    do not rise; DataError where the first measure has no figure for any row, or a row has another value already.
    """
    _require_sense(measures, thresholds)
    source, first = open_source(path), measures[0]
    names = [measure.name for measure in measures]
    with DatasetWriter(output, recipe={"command": "score", "measures": names}) as writer:
        found = _measured(source, measures, progress)
        _require_figures(found, first, source)
        cuts = thresholds or THRESHOLDS.get(first.name) or _thirds(found.figures[0])
        labels = _write(source, found, measures, cuts, writer, progress)
        writer.rows_in = sum(sum(counts.values()) for counts in labels.values())
        writer.parents = (Parent(path=str(path), fingerprint=source.fingerprint(), rows=writer.rows_in),)
        writer.recipe |= {
            "made_with": {measure.name: dict(measure.made_with) for measure in measures},
            "thresholds": list(cuts),
            "unscored": {name: dict(reasons) for name, reasons in zip(names, found.reasons, strict=True)},
        }
    assert writer.manifest is not None
    figures = [np.asarray(column) for column in found.figures]
    pairs = combinations(zip(names, figures, strict=True), 2)
    return Scoring(
        writer.manifest,
        cuts,
        labels,
        tuple(map(_spread, names, figures, found.reasons)),
        tuple(correlate(one, other, ours, theirs) for (one, ours), (other, theirs) in pairs),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """By measure: the figures of all rows, NaN for none; how many have none, by reason; and what row says why."""

    figures: list[array[float]]
    reasons: list[Counter[str]]
    unscored: dict[tuple[int, int], Unscored]
    """By measure and row, both counted from 0."""


def _measured(source: Source, measures: Sequence[Measure], progress: Progress) -> _Found:
    found = _Found([array("d") for _ in measures], [Counter() for _ in measures], {})
    for number, row in enumerate(read_rows(source, progress, "measuring")):
        for place, measure in enumerate(measures):
            figure = measure.figure(row)
            if isinstance(figure, Unscored):
                found.reasons[place][figure.reason] += 1
                found.unscored[place, number] = figure
            found.figures[place].append(_MISSING if isinstance(figure, Unscored) else figure)
    return found


def _write(
    source: Source,
    found: _Found,
    measures: Sequence[Measure],
    cuts: tuple[float, float],
    writer: DatasetWriter,
    progress: Progress,
) -> dict[str, Counter[str | None]]:
    labels = {split: Counter[str | None]() for split in source.splits}
    for number, row in enumerate(read_rows(source, progress, "writing")):
        values = dict[str, Any]()
        for place, measure in enumerate(measures):
            if (why := found.unscored.get((place, number))) is None:
                values[measure.field] = _number(found.figures[place][number])
            else:
                writer.file(LEDGER).write(_ledger_line(row, measure.name, why))
        label = _label(found.figures[0][number], cuts)
        labels[row.split][label] += 1
        writer.write(row.split, _with_metadata(row, values if label is None else {LABEL: label, **values}))
    return labels


def _with_metadata(row: SourceRow, values: Mapping[str, Any]) -> bytes:
    """The row's bytes where nothing is new in it. Raises DataError where it says something else already."""
    new = {name: value for name, value in values.items() if row_label(row.row, name) != value}
    if not new:
        return row.raw
    for name, value in new.items():
        if (said := row_label(row.row, name)) is not None:
            raise DataError(
                f"The row has the {name} {said!r} already, and would get {value!r}.",
                where=row.where,
                hint="Score the dataset as it was before, or take the old value out.",
            )
    metadata = row.row.get("metadata")
    if not isinstance(metadata, dict | None):
        raise DataError("The row's metadata is no object, so nothing can be added to it.", where=row.where)
    require_distinct_keys(row.raw)
    return msgspec.json.encode({**row.row, "metadata": {**(metadata or {}), **new}})


def _number(figure: float) -> float:
    """Whole ones as such: a count can then be chosen by its value."""
    return int(figure) if figure == int(figure) else figure


def _label(figure: float, cuts: tuple[float, float]) -> str | None:
    return None if figure != figure else LEVELS[sum(figure >= cut for cut in cuts)]


def _thirds(figures: array[float]) -> tuple[float, float]:
    known = np.asarray(figures)[~np.isnan(figures)]
    low, high = np.quantile(known, (1 / 3, 2 / 3))
    return float(low), float(high)


def _spread(name: str, figures: np.ndarray, reasons: Mapping[str, int]) -> Spread:
    known = figures[~np.isnan(figures)]
    if not len(known):
        return Spread(name, 0, (), None, reasons)
    quantiles = np.quantile(known, (0, 0.25, 0.5, 0.75, 1)).tolist()
    return Spread(name, len(known), tuple(quantiles), float(known.mean()), reasons)


def _require_figures(found: _Found, first: Measure, source: Source) -> None:
    if found.reasons[0].total() == len(found.figures[0]):
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in found.reasons[0].most_common())
        raise DataError(
            f"No row has a figure of {first.name}, so none gets a label.",
            where=str(source.root),
            hint=f"Why: {reasons or 'there are no rows'}.",
        )


def _ledger_line(row: SourceRow, measure: str, why: Unscored) -> bytes:
    line = {"file": str(row.path), "line": row.number, "hash": row_hash(row.raw), "measure": measure}
    return msgspec.json.encode({**line, "reason": why.reason, "detail": why.detail}) + b"\n"


def _require_sense(measures: Sequence[Measure], thresholds: tuple[float, float] | None) -> None:
    fields = [measure.field for measure in measures]
    if not fields or len(set(fields)) < len(fields) or LABEL in fields:
        raise UsageError(f"Each measure can be named once, one must be, and none can be kept as {LABEL}.")
    if thresholds is not None and not thresholds[0] < thresholds[1]:
        raise UsageError(f"Thresholds rise: {thresholds[0]:g} is not below {thresholds[1]:g}.")
