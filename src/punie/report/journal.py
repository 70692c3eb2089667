"""Everything that was evaluated, trained, compared and tried, read from the folders, in the order it was recorded.

A folder that is broken or not finished is an entry with a reason. Nothing is judged again here: a finished evaluation
is read and counted as its own page counts it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import msgspec

from punie.errors import DataError, PunieError
from punie.evaluation.runs import RECORD, SAMPLES, read_run
from punie.evaluation.underway import read_underway, unfinished_name
from punie.files import open_input
from punie.moments import changed, read_moment
from punie.report.entries import Compared, Entry, Evaluation, Experiment, Journal, Place, Scores, Training, Unfinished
from punie.report.experiments import RECORD as EXPERIMENT
from punie.report.experiments import read_experiment
from punie.report.summary import RateRow, rate
from punie.report.training import read_training
from punie.training.adapter import AdapterFolder

NOTE = "note.txt"
"""A file in the folder of a run: what its owner wants to remember of it."""
_LONGEST_NOTE = 2_000
_COMPARISON = "comparison.json"
_DEEPEST = 5
_KEPT_IN_MEMORY = 512
"""Evaluations whose counts a program that draws the journal again and again need not make anew."""

Stamp = tuple[tuple[int, int], ...]


class _Run(msgspec.Struct):
    name: str
    created: str


class _Compared(msgspec.Struct):
    """What is needed of comparison.json."""

    headline: str
    verdict: str = ""
    before: _Run | None = None
    after: _Run | None = None
    comparisons: tuple[_Compared, ...] = ()


def read_journal(folders: Iterable[Path]) -> Journal:
    """Search these folders and what lies in them; links are not followed."""
    entries = [entry for root in folders for folder in _folders(root.resolve()) for entry in _entries(folder, root)]
    entries.sort(key=_order)
    return Journal(
        evaluations=tuple(entry for entry in entries if isinstance(entry, Evaluation)),
        trainings=tuple(entry for entry in entries if isinstance(entry, Training)),
        comparisons=tuple(entry for entry in entries if isinstance(entry, Compared)),
        experiments=tuple(entry for entry in entries if isinstance(entry, Experiment)),
        unfinished=tuple(entry for entry in entries if isinstance(entry, Unfinished)),
    )


def _order(entry: Entry) -> tuple[datetime, datetime, str]:
    """By recorded time. What has the same one, as comparisons with one run do, goes by when it was written."""
    return entry.place.recorded, _last_change(entry.place.folder), entry.place.name


def _folders(root: Path) -> Iterator[Path]:
    """The folder and those in it; what lies inside a run belongs to it, and hidden folders to nobody."""
    for path, inside, _ in os.walk(root):
        folder = Path(path)
        yield folder
        depth = len(folder.relative_to(root).parts)
        closed = _is_run(folder) or depth >= _DEEPEST
        hidden = {name for name in inside if name.startswith(".") and unfinished_name(folder / name) is None}
        inside[:] = [] if closed else sorted(set(inside) - hidden)


def _is_run(folder: Path) -> bool:
    return (folder / RECORD).is_file() or AdapterFolder(folder).plan.is_file() or unfinished_name(folder) is not None


def _entries(folder: Path, root: Path) -> Iterator[Entry]:
    """What lies in this very folder."""
    name = str(folder.relative_to(root.resolve())) if folder != root.resolve() else folder.name
    if (folder / RECORD).is_file():
        yield _evaluation(folder, name)
    if AdapterFolder(folder).plan.is_file():
        yield _training(folder, name)
    if (folder / _COMPARISON).is_file():
        yield _comparison(folder, name)
    if (folder / EXPERIMENT).is_file():
        yield _experiment(folder, name)
    if unfinished_name(folder) is not None:
        yield _underway(folder, name)


def _evaluation(folder: Path, name: str) -> Entry:
    page = folder / "report.html"
    try:
        scores = _scores(folder, stamp_of(folder / RECORD, folder / SAMPLES))
        return Evaluation(_place(folder, name, page, read_moment(scores.record.created, folder)), scores)
    except PunieError as error:
        return _broken(folder, name, page, "evaluation", error)


@lru_cache(maxsize=_KEPT_IN_MEMORY)
def _scores(folder: Path, _stamp: Stamp) -> Scores:
    run = read_run(folder)
    rows = tuple(RateRow(category, rate(run.of(category))) for category in run.categories())
    return Scores(run.record, rate(run.trials), rows)


def _training(folder: Path, name: str) -> Entry:
    paths = AdapterFolder(folder)
    page = paths.run / "report.html"
    try:
        record = read_training(folder)
    except PunieError as error:
        return _broken(folder, name, page, "training", error)
    if record.outcome is None:
        reason = " ".join([record.headline, *record.evidence])
        return Unfinished(_place(folder, name, page, _last_change(paths.run)), "training", reason, live=True)
    finished = record.outcome.finished
    recorded = read_moment(finished, folder) if finished else changed(paths.outcome)
    return Training(_place(folder, name, page, recorded), record)


def _comparison(folder: Path, name: str) -> Entry:
    page = folder / "comparison.html"
    try:
        found = _read_comparison(folder / _COMPARISON)
        runs = tuple(dict.fromkeys((run.name, run.created) for run in _runs(found)))
        recorded = max((read_moment(created, folder) for _, created in runs), default=changed(folder / _COMPARISON))
        return Compared(_place(folder, name, page, recorded), found.headline, found.verdict, runs)
    except PunieError as error:
        return _broken(folder, name, page, "comparison", error)


def _read_comparison(path: Path) -> _Compared:
    with open_input(path) as file:
        try:
            return msgspec.json.decode(file.read(), type=_Compared)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DataError(f"Not a comparison: {error}.", where=str(path)) from error


def _runs(found: _Compared) -> Iterator[_Run]:
    yield from filter(None, (found.before, found.after))
    for comparison in found.comparisons:
        yield from _runs(comparison)


def _experiment(folder: Path, name: str) -> Entry:
    page = folder / "report.html"
    try:
        record = read_experiment(folder / EXPERIMENT)
        return Experiment(_place(folder, name, page, read_moment(record.recorded, folder)), record)
    except PunieError as error:
        return _broken(folder, name, page, "experiment", error)


def _underway(folder: Path, name: str) -> Entry:
    shown = str(Path(name).with_name(unfinished_name(folder) or name))
    try:
        found = read_underway(folder)
    except PunieError as error:
        return _broken(folder, shown, None, "evaluation", error)
    of = f" of {found.total:,}" if found.total else ""
    reason = f"Not finished: {found.answered:,}{of} answers are judged. The same command goes on."
    return Unfinished(_place(folder, shown, None, _last_change(folder)), "evaluation", reason, live=True)


def _broken(folder: Path, name: str, page: Path | None, kind: str, error: PunieError) -> Unfinished:
    where = error.where.replace(f"{folder}{os.sep}", "") if error.where != str(folder) else ""
    reason = f"{error.what.rstrip('.')}{f' ({where})' if where else ''}."
    return Unfinished(_place(folder, name, page, _last_change(folder)), kind, reason, live=False)


def _place(folder: Path, name: str, page: Path | None, recorded: datetime) -> Place:
    shown = page if page is not None and page.is_file() and not page.is_symlink() else None
    return Place(name, folder, recorded, shown, _note(folder / NOTE))


def _note(path: Path) -> str:
    if not path.is_file() or path.is_symlink():
        return ""
    with open_input(path) as file:
        return file.read(_LONGEST_NOTE).decode(errors="replace").strip()


def _last_change(folder: Path) -> datetime:
    """Of what its run wrote: pages and notes come later, and say nothing about it."""
    files = [path for path in folder.iterdir() if path.is_file() and path.name != NOTE and path.suffix != ".html"]
    return max(map(changed, files), default=changed(folder))


def stamp_of(*paths: Path) -> Stamp:
    """What changes when one of the files does; nothing for one that is not there."""
    found: Sequence[os.stat_result] = [path.stat() for path in paths if path.is_file()]
    return tuple((stat.st_mtime_ns, stat.st_size) for stat in found)
