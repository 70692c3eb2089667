"""The journal for people: a page with links to every other page, and the same tables in Markdown and JSON."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from punie.evaluation.stats import Rate
from punie.report import numbers
from punie.report.boards import Board, Line, boards
from punie.report.entries import Compared, Evaluation, Journal, Place, Training, Unfinished
from punie.report.history import Change, evaluation_changes, rows_of, training_changes
from punie.report.html import render_page, visible
from punie.report.training import nats

FORMAT = 1

Link = Callable[[Path], str]
"""From a file to what leads there."""
_MARKS = re.compile(r"([\\`*_\[\]<>|])")


def links_from(page: Path) -> Link:
    """Relative links, so that the folders can be moved together."""
    folder = page.resolve().parent
    return lambda path: quote(os.path.relpath(path, folder).replace(os.sep, "/"))


def render_journal(journal: Journal, link: Link, watch: Callable[[Unfinished], str] | None = None) -> str:
    """The page. `watch` leads to where an unfinished run can be watched."""
    return render_page(
        "journal.html",
        journal=journal,
        boards=boards(journal),
        link=link,
        watch=watch,
        when=when,
        nats=nats,
        rows_of=rows_of,
        counts=_counts(journal),
        changes=lambda before, after: evaluation_changes(before, after, journal),
        training_changes=training_changes,
        compared=lambda found: _compared_runs(found, journal),
        latest=journal.comparisons[-1] if journal.comparisons else None,
    )


def _counts(journal: Journal) -> str:
    """What there is, in words: "3 evaluations, 2 trainings and 1 comparison"."""
    kinds = {"evaluation": journal.evaluations, "training": journal.trainings, "comparison": journal.comparisons}
    if journal.experiments:
        kinds["experiment"] = journal.experiments
    *most, last = (f"{len(found)} {kind}{'s' if len(found) != 1 else ''}" for kind, found in kinds.items())
    return f"{', '.join(most)} and {last}"


def _compared_runs(found: Compared, journal: Journal) -> tuple[Evaluation, Evaluation] | None:
    """Both runs of a comparison, as far as they are in the journal."""
    runs = [run for key in found.runs if (run := journal.evaluation(key)) is not None]
    return (runs[0], runs[1]) if len(runs) == len(found.runs) == 2 else None


def when(recorded: datetime) -> str:
    return recorded.strftime("%Y-%m-%d %H:%M")


def journal_markdown(journal: Journal, link: Link) -> str:
    """The same tables as text, with links; what stands in a cell is plain."""
    parts = ["# Training journal\n", f"{_counts(journal)}, oldest first. Times are UTC.\n"]
    for board in boards(journal):
        parts += [f"## {_plain(board.title)}\n", _table(*_board_table(board, link))]
    if journal.experiments:
        rows = [
            (when(one.place.recorded), one.record.kind, _linked(one.place, link), _plain(one.record.headline))
            for one in journal.experiments
        ]
        parts += ["## Experiments\n", _table(("Recorded", "Kind", "Experiment", "Result"), rows)]
    if journal.comparisons:
        rows = [
            (when(one.place.recorded), _linked(one.place, link), _plain(one.headline)) for one in journal.comparisons
        ]
        parts += ["## Comparisons\n", _table(("Recorded", "Comparison", "Verdict"), rows)]
    if journal.trainings:
        columns = ("Recorded", "Training", "Dataset", "Result", "Notes")
        parts += ["## Trainings\n", _table(columns, [_training_cells(one, link) for one in journal.trainings])]
    if journal.unfinished:
        rows = [
            (when(one.place.recorded), one.kind, _linked(one.place, link), _plain(one.reason))
            for one in journal.unfinished
        ]
        parts += ["## Not finished, or broken\n", _table(("Last change", "Kind", "Folder", "Reason"), rows)]
    return "\n".join(parts)


def _board_table(board: Board, link: Link) -> tuple[Sequence[str], list[Sequence[str]]]:
    names = [_plain(numbers.category(name)) for name in board.categories]
    columns = ("Recorded", "Step", "Model", "Dataset", "Adapter", "Overall", *names, "Notes")
    return columns, [_line_cells(line, link) for line in board.lines]


def _line_cells(line: Line, link: Link) -> Sequence[str]:
    run = line.run
    overall = run.scores.overall
    return (
        when(run.place.recorded),
        _linked(run.place, link),
        *(_plain(text) for text in (run.record.identity.model, line.dataset or "–", line.adapter or "none")),
        f"{numbers.percent(overall.share)}, {numbers.percent_interval(overall.interval)} ({numbers.count(overall)})",
        *("–" if rate is None else numbers.percent(rate.share) for rate in line.rates),
        _plain(run.place.note),
    )


def _training_cells(training: Training, link: Link) -> Sequence[str]:
    rows = rows_of(training)
    dataset, result = _plain(f"{rows.name}, {rows.count:,} rows"), _plain(training.record.headline)
    return (
        when(training.place.recorded),
        _linked(training.place, link),
        dataset,
        result,
        _plain(training.place.note),
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _linked(place: Place, link: Link) -> str:
    return f"[{_plain(place.name)}]({link(place.page)})" if place.page else _plain(place.name)


def _plain(text: str) -> str:
    return _MARKS.sub(r"\\\1", " ".join(visible(text).split())).encode(errors="replace").decode()


def journal_record(journal: Journal) -> dict[str, Any]:
    """As one JSON object, every share unrounded; paths are whole, times in UTC."""
    return {
        "format": FORMAT,
        "kind": "journal",
        "boards": [{"title": board.title, "runs": list(_line_records(board, journal))} for board in boards(journal)],
        "trainings": [_training_record(training) for training in journal.trainings],
        "comparisons": [
            {**_place_record(one.place), "headline": one.headline, "verdict": one.verdict, "runs": list(one.runs)}
            for one in journal.comparisons
        ],
        "experiments": [
            {**_place_record(one.place), "kind": one.record.kind, "headline": one.record.headline}
            for one in journal.experiments
        ],
        "unfinished": [
            {**_place_record(one.place), "kind": one.kind, "reason": one.reason} for one in journal.unfinished
        ],
    }


def _line_records(board: Board, journal: Journal) -> Iterator[dict[str, Any]]:
    before: Evaluation | None = None
    for line in board.lines:
        changes = evaluation_changes(before, line.run, journal) if before else ()
        identity = line.run.record.identity
        yield {
            **_place_record(line.run.place),
            "model": identity.model,
            "adapter": identity.adapter,
            "adapter_hash": identity.adapter_hash,
            "training": str(line.training.place.folder) if line.training else None,
            "dataset": line.rows.folder if line.rows else None,
            "dataset_hash": line.rows.fingerprint if line.rows else None,
            "overall": _rate_record(line.run.scores.overall),
            "categories": {row.name: _rate_record(row.rate) for row in line.run.scores.rows},
            "changes": [_change_record(change) for change in changes],
        }
        before = line.run


def _training_record(training: Training) -> dict[str, Any]:
    outcome, rows = training.record.outcome, rows_of(training)
    return {
        **_place_record(training.place),
        "model": training.record.model,
        "dataset": rows.folder,
        "dataset_hash": rows.fingerprint,
        "rows": rows.count,
        "headline": training.record.headline,
        "adapter_hash": outcome.adapter_hash if outcome else None,
        "first_valid_loss": outcome.first_valid_loss if outcome else None,
        "valid_loss": outcome.valid_loss if outcome else None,
    }


def _place_record(place: Place) -> dict[str, Any]:
    page = str(place.page) if place.page else None
    recorded = place.recorded.isoformat()
    return {"name": place.name, "folder": str(place.folder), "recorded": recorded, "page": page, "note": place.note}


def _rate_record(rate: Rate) -> dict[str, Any]:
    share = rate.share if rate.counted else None
    return {"right": rate.right, "counted": rate.counted, "share": share, "interval": [*_ends(rate)]}


def _ends(rate: Rate) -> tuple[float, float]:
    return rate.interval.low, rate.interval.high


def _change_record(change: Change) -> dict[str, str]:
    return {"label": change.label, "before": change.before, "after": change.after}
