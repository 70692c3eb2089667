"""Where pages and their numbers are written: an HTML page, and the same numbers as JSON beside it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from punie.errors import UsageError
from punie.evaluation.outcomes import EvaluationRun
from punie.evaluation.runs import read_run
from punie.files import write_json, write_text
from punie.report.comparison import Comparison
from punie.report.html import render_comparison, render_run, render_several
from punie.report.phases import results_markdown
from punie.report.record import comparison_record, several_record, summary_record
from punie.report.several import side_by_side
from punie.report.summary import summarize
from punie.report.training import read_training
from punie.report.training_page import render_training
from punie.training.adapter import AdapterFolder
from punie.training.matrix import Matrix, read_matrix

_LONGEST_NAME = 120
"""Characters of a folder that is named after several runs."""


def write_run_page(run: EvaluationRun, folder: Path) -> Path:
    """Write report.html and report.json into the run's own folder, and return the page."""
    write_json(folder / "report.json", summary_record(summarize(run)))
    return _write_page(folder / "report.html", render_run(run))


def write_training_page(folder: Path, baseline: Path | None = None) -> Path:
    """Write run/report.html into an adapter's folder, whatever became of its training, and return the page.

    Where its checkpoints were measured, run/results.md has the tables, `baseline` among them. Raises UsageError for a
    baseline that was not measured, or not alike.
    """
    record = read_training(folder)
    if record.matrix is not None:
        beside = None if baseline is None else _measured(baseline)
        write_text(record.folder.results, results_markdown(record.matrix, beside))
    elif baseline is not None:
        _measured(folder)
    return _write_page(record.folder.run / "report.html", render_training(record))


def redraw(folder: Path, baseline: Path | None = None) -> Path:
    """Write the page of a training run or of an evaluation again, from its folder alone.

    Raises UsageError where the folder is neither, and for a baseline beside an evaluation.
    """
    if AdapterFolder(folder).plan.is_file():
        return write_training_page(folder, baseline)
    if baseline is not None:
        raise UsageError(
            "A baseline stands beside a training run; evaluations are compared by `punie compare`.", where=str(folder)
        )
    return write_run_page(read_run(folder), folder)


def write_comparison_page(comparison: Comparison, folder: Path) -> Path:
    """Write comparison.html and comparison.json, and return the page."""
    write_json(folder / "comparison.json", comparison_record(comparison))
    return _write_page(folder / "comparison.html", render_comparison(comparison))


def write_comparison_pages(comparisons: Sequence[Comparison], output: Path | None, beside: Path) -> list[Path]:
    """One comparison's page, in `output` or beside the runs; of several, the page of all and one for each.

    Those for each are in folders of `output`, or lie beside the runs too.
    """
    if len(comparisons) == 1:
        before, after = comparisons[0].before.name, comparisons[0].after.name
        return [write_comparison_page(comparisons[0], output or beside / f"{before}-vs-{after}")]
    several = side_by_side(comparisons)
    base, *names = several.names
    pages = [
        write_comparison_page(comparison, (output or beside) / f"{base}-vs-{name}")
        for name, comparison in zip(names, comparisons, strict=True)
    ]
    folder = output or beside / f"{base}-vs-{'+'.join(names)}"[:_LONGEST_NAME]
    links = [quote(os.path.relpath(page, folder).replace(os.sep, "/")) for page in pages]
    write_json(folder / "comparison.json", several_record(several))
    return [_write_page(folder / "comparison.html", render_several(several, links)), *pages]


def _measured(adapter: Path) -> Matrix:
    if (matrix := read_matrix(adapter)) is None:
        raise UsageError(
            "The checkpoints of this run were not measured.",
            where=str(adapter),
            hint="Train it with --matrix-rows 32; a finished run is measured by the same command with --resume.",
        )
    return matrix


def _write_page(path: Path, text: str) -> Path:
    write_text(path, text)
    return path
