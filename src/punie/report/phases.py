"""The cross-phase matrix for people: a table for the page of a run, and the results of a curriculum in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from punie.errors import UsageError
from punie.evaluation.stats import paired_bootstrap
from punie.report import numbers
from punie.report.training import nats
from punie.training.fixed_rows import FULL
from punie.training.matrix import Checkpoint, Matrix

MARKS = {"lowest": "▾", "learned": "•"}
"""In a table: the lowest loss of a category, and the categories that the stage learned from."""

FEWEST = 8
"""Rows of which an interval is told."""

_HASH_SHOWN = 19


@dataclass(frozen=True, slots=True)
class MatrixCell:
    loss: str
    right: str
    lowest: bool
    learned: bool

    @property
    def text(self) -> str:
        marks = [mark for name, mark in MARKS.items() if getattr(self, name)]
        return " ".join([self.loss, *marks])


@dataclass(frozen=True, slots=True)
class MatrixRow:
    category: str
    rows: int
    cells: tuple[MatrixCell, ...]
    forgotten: str
    """Signed, in nats, with its interval where there are rows enough; empty where there is nothing earlier."""
    word: str
    """ "forgot", where the whole interval is above 0."""


@dataclass(frozen=True, slots=True)
class MatrixTable:
    columns: tuple[str, ...]
    body: tuple[MatrixRow, ...]
    basis: str
    """What was measured on which rows, in sentences."""
    notes: tuple[str, ...]


def matrix_table(matrix: Matrix) -> MatrixTable:
    return MatrixTable(
        columns=tuple(point.name for point in matrix.checkpoints),
        body=tuple(_row(matrix, category) for category in matrix.categories),
        basis=" ".join(_basis(matrix)),
        notes=matrix.notes,
    )


def _row(matrix: Matrix, category: str) -> MatrixRow:
    measured = [(point, point.cells[category]) for point in matrix.checkpoints]
    lowest = min(cell.loss for _, cell in measured)
    cells = (
        MatrixCell(
            loss=nats(cell.loss),
            right=numbers.percent(cell.right),
            lowest=cell.loss == lowest,
            learned=category in point.selects,
        )
        for point, cell in measured
    )
    forgotten, word = _forgotten(matrix.forgotten(category))
    return MatrixRow(category, measured[0][1].rows, tuple(cells), forgotten, word)


def _forgotten(shares: Sequence[float]) -> tuple[str, str]:
    if not shares:
        return "", ""
    lost = _signed(fmean(shares))
    if len(shares) < FEWEST:
        return lost, ""
    interval = paired_bootstrap(shares)
    return f"{lost} ({_signed(interval.low)} to {_signed(interval.high)})", "forgot" if interval.low > 0 else ""


def _signed(nats_: float) -> str:
    return f"{nats_:+.4f}".replace("-", "\N{MINUS SIGN}")


def _basis(matrix: Matrix) -> Iterator[str]:
    rows = matrix.checkpoints[-1].cells[FULL].rows
    yield f"Losses are nats per learned token, on the same rows of {matrix.rows_file} for every checkpoint:"
    yield f"at most {matrix.per_category:,} of each {matrix.field}, and {rows:,} of the full set"
    yield f"(rows {matrix.basis.rows_hash[:_HASH_SHOWN]}, mask {matrix.basis.mask})."
    if matrix.rows_file == "valid.jsonl":
        yield "Validation rows may also have chosen the checkpoint, which flatters it."
    yield f"{MARKS['learned']} marks what the stage learned from, {MARKS['lowest']} the lowest loss of a category."
    yield "Forgotten is the final loss less the lowest of the stages before, with its 95% interval over other rows"
    yield f"of this kind (bootstrap; none below {FEWEST} rows), each category for itself; another seed may differ more."


def results_markdown(matrix: Matrix, baseline: Matrix | None = None) -> str:
    """A table for each phase, the comparison with a baseline, and the matrix.

    Raises UsageError where the baseline was measured otherwise.
    """
    if baseline is not None:
        _require_comparable(matrix, baseline)
    run = Path(matrix.checkpoints[-1].run).name
    parts = [f"# Results of {run}", " ".join(_basis(matrix)), *matrix.notes]
    for point in matrix.checkpoints:
        if point.stage is not None:
            parts.append(f"## {point.name}")
            parts.append(_table(("Metric", "Value"), _phase(matrix, point)))
    parts += ["## Comparison with the baseline", _table(_COMPARED, _compared(matrix, baseline))]
    if baseline is None:
        parts.append(
            "No baseline was given. Train one on the same data without phases and with `--matrix-rows "
            f"{matrix.per_category}`, then: `punie report ADAPTER --baseline BASELINE`."
        )
    parts += ["## Every checkpoint on every category", _matrix_markdown(matrix)]
    return "\n\n".join(parts) + "\n"


_COMPARED = ("Model", "Eval loss (full)", "Tokens right (full)", "Training approach")


def _phase(matrix: Matrix, point: Checkpoint) -> Iterator[tuple[str, str]]:
    own = matrix.loss_of(point)
    if point.selects and own is not None:
        yield f"Eval loss on its own {matrix.field} values", nats(own)
    yield "Eval loss on the full set", nats(point.cells[FULL].loss)
    yield "Training steps", f"{point.updates:,} updates, {point.iterations:,} batches"
    yield "Time", f"{numbers.duration(point.seconds)} in training steps"
    yield "Checkpoint", point.run if point.name == matrix.adapter else f"{point.run}/stages/{point.stage}"


def _compared(matrix: Matrix, baseline: Matrix | None) -> Iterator[tuple[str, ...]]:
    first, final = matrix.checkpoints[0], matrix.final
    yield _compared_row(first.name, first, "none")
    if baseline is not None:
        yield _compared_row(f"{Path(baseline.final.run).name} (baseline)", baseline.final, "all rows at once")
    yield _compared_row(f"{Path(final.run).name} ({final.name})", final, "phase after phase")


def _compared_row(name: str, point: Checkpoint, approach: str) -> tuple[str, ...]:
    cell = point.cells[FULL]
    return name, nats(cell.loss), numbers.percent(cell.right), approach


def _matrix_markdown(matrix: Matrix) -> str:
    table = matrix_table(matrix)
    head = (matrix.field.capitalize(), "Rows", *table.columns, "Forgotten")
    rows = (
        (
            row.category,
            f"{row.rows:,}",
            *(cell.text for cell in row.cells),
            f"{row.forgotten} {row.word}".strip() or "–",
        )
        for row in table.body
    )
    return _table(head, rows)


def _table(head: Sequence[str], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _require_comparable(matrix: Matrix, baseline: Matrix) -> None:
    differ = [key for key, value in matrix.basis if getattr(baseline.basis, key) != value]
    if differ:
        raise UsageError(
            f"The baseline was measured with another {' and '.join(differ)}, so its losses cannot stand beside these.",
            where=baseline.final.run,
            hint="Train both on the same data and model, with the same mask, max_seq_length and matrix_rows.",
        )
