"""Where pages and their numbers are written: an HTML page, and the same numbers as JSON beside it."""

from __future__ import annotations

from pathlib import Path

from punie.evaluation.outcomes import EvaluationRun
from punie.files import write_json, write_text
from punie.report.compare import Comparison
from punie.report.html import render_comparison, render_run
from punie.report.record import comparison_record, summary_record
from punie.report.summary import summarize


def write_run_page(run: EvaluationRun, folder: Path) -> Path:
    """Write report.html and report.json into the run's own folder, and return the page."""
    write_json(folder / "report.json", summary_record(summarize(run)))
    return _write_page(folder / "report.html", render_run(run))


def write_comparison_page(comparison: Comparison, folder: Path) -> Path:
    """Write comparison.html and comparison.json, and return the page."""
    write_json(folder / "comparison.json", comparison_record(comparison))
    return _write_page(folder / "comparison.html", render_comparison(comparison))


def _write_page(path: Path, text: str) -> Path:
    write_text(path, text)
    return path
