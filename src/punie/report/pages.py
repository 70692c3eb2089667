"""Where pages and their numbers are written: an HTML page, and the same numbers as JSON beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from punie.evaluation.outcomes import EvaluationRun
from punie.evaluation.runs import read_run
from punie.files import write_json, write_text
from punie.report.comparison import Comparison
from punie.report.html import render_comparison, render_run
from punie.report.record import comparison_record, summary_record
from punie.report.summary import summarize
from punie.report.training import read_training
from punie.report.training_page import render_training
from punie.training.adapter import AdapterFolder


def write_run_page(run: EvaluationRun, folder: Path) -> Path:
    """Write report.html and report.json into the run's own folder, and return the page."""
    write_json(folder / "report.json", summary_record(summarize(run)))
    return _write_page(folder / "report.html", render_run(run))


def write_training_page(folder: Path) -> Path:
    """Write run/report.html into an adapter's folder, whatever became of its training, and return the page."""
    record = read_training(folder)
    return _write_page(record.folder.run / "report.html", render_training(record))


def redraw(folder: Path) -> Path:
    """Write the page of a training run or of an evaluation again, from its folder alone.

    Raises UsageError where the folder is neither.
    """
    if AdapterFolder(folder).plan.is_file():
        return write_training_page(folder)
    return write_run_page(read_run(folder), folder)


def write_comparison_page(comparison: Comparison, folder: Path) -> Path:
    """Write comparison.html and comparison.json, and return the page."""
    write_json(folder / "comparison.json", comparison_record(comparison))
    return _write_page(folder / "comparison.html", render_comparison(comparison))


def write_comparison_pages(comparisons: Sequence[Comparison], output: Path | None, beside: Path) -> list[Path]:
    """A page for each: in `output`, or in folders of it where there are several; by default `beside` the runs."""
    pages = []
    for comparison in comparisons:
        name = f"{comparison.before.name}-vs-{comparison.after.name}"
        folder = beside / name if output is None else output if len(comparisons) == 1 else output / name
        pages.append(write_comparison_page(comparison, folder))
    return pages


def _write_page(path: Path, text: str) -> Path:
    write_text(path, text)
    return path
