"""The page of a sweep, its numbers and its best plan, written from the result."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from punie.files import write_json, write_text
from punie.report import numbers
from punie.report.experiments import write_experiment
from punie.report.facts import Figure
from punie.report.html import render_page
from punie.sweep.panels import panels
from punie.sweep.plans import Workshop
from punie.sweep.story import columns, gap, headline, ledger, sentences, shown, to_record, told
from punie.sweep.sweep import SweepResult, value_of


@dataclass(frozen=True, slots=True)
class RungRow:
    """A rung of a halving, as it went."""

    number: int
    length: str
    settings: int
    kept: str
    best: str


def write_page(result: SweepResult) -> Path:
    """Write best.yaml where something was trained, sweep.json and report.html; return the page."""
    if result.recipe.plan is not None:
        write_text(result.folder.best, best_plan(result))
    write_json(result.folder.result, to_record(result))
    write_text(result.folder.page, render_sweep(result))
    write_experiment(result.folder.page.parent, "sweep", headline(result))
    return result.folder.page


def best_plan(result: SweepResult) -> str:
    """The chosen setting for `punie train --config`, with what is known of it above."""
    workshop = Workshop(result.recipe, result.folder, result.settings)
    about = "".join(f"# {line}\n" for line in sentences(result))
    asked = ", ".join(f"{field} {shown(value)}" for field, value in result.trial.setting.sampling.items())
    asked = f"# Asked with {asked}: options of punie eval.\n" if asked else ""
    words = workshop.best_words(result.trial.setting, result.trial.length)
    return about + asked + yaml.safe_dump(words, sort_keys=False, allow_unicode=True)


def render_sweep(result: SweepResult) -> str:
    """The page, as one HTML document that can be encoded as UTF-8."""
    return render_page(
        "sweep.html",
        name=result.recipe.name,
        headline=headline(result),
        sentences=sentences(result)[1:],
        figures=list(_figures(result)),
        charts=panels(result),
        rungs=list(_rungs(result)) if len(result.course.rungs) > 1 else [],
        columns=columns(result),
        ledger=ledger(result),
        links=list(_links(result)),
        arrived=_arrived(result),
        failed=[record for record in result.course.records if not record.done],
        plan=best_plan(result) if result.recipe.plan is not None else "",
    )


def _figures(result: SweepResult) -> Iterator[Figure]:
    records, choice = result.course.records, result.choice
    what = "Validation loss" if result.recipe.lower else "Dev half"
    yield Figure(what, told(result, choice.mean), f"chosen among {choice.candidates} settings by this")
    if result.fresh.value is not None:
        yield Figure("Measured afresh", told(result, result.fresh.value), "by what had no part in the choice")
    if result.test is not None:
        after, before = result.test.overall.after, result.test.overall.before
        yield Figure("Test half", numbers.percent(after.share), f"base {numbers.percent(before.share)}")
    chance = "luck in it: not known" if choice.gain is None else f"{gap(result, choice.gain)} by chance, at most"
    yield Figure("Lead", gap(result, choice.lead), chance)
    failed = sum(not record.done for record in records)
    seconds = sum(record.seconds for record in records)
    yield Figure("Trials", f"{len(records):,}", f"{failed} failed; {numbers.duration(seconds)}")


def _rungs(result: SweepResult) -> Iterator[RungRow]:
    for rung in result.course.rungs:
        records = [record for record in result.course.records if record.rung == rung.number]
        later = {record.setting for record in result.course.records if record.rung == rung.number + 1}
        kept = "chosen from" if rung.number == result.choice.rung else ", ".join(map(str, sorted(later))) or "–"
        known = [value for one in records if (value := value_of(result.recipe, one)) is not None]
        best = (min if result.recipe.lower else max)(known, default=None)
        length = "" if rung.length is None else shown(rung.length)
        yield RungRow(rung.number + 1, length, len({one.setting for one in records}), kept, _told(result, best))


def _told(result: SweepResult, value: float | None) -> str:
    return "–" if value is None else told(result, value)


def _links(result: SweepResult) -> Iterator[tuple[str, str]]:
    """What has a page of its own, and where."""
    root = result.folder.root
    if result.test is not None:
        yield "base and chosen setting on the test half", _below(result.folder.comparison / "comparison.html", root)
    seen: set[str] = set()
    for record in result.course.records:
        training = result.folder.adapter(record.adapter or "") / "run" / "report.html"
        if record.adapter and record.adapter not in seen and training.is_file():
            seen.add(record.adapter)
            yield f"training {record.adapter}", _below(training, root)
        asked = result.folder.trial(record.name) / "dev" / "report.html"
        if asked.is_file():
            yield f"answers of {record.name}", _below(asked, root)


def _below(path: Path, root: Path) -> str:
    return os.path.relpath(path, root).replace(os.sep, "/")


def _arrived(result: SweepResult) -> list[tuple[str, str, str, str]]:
    """Of each trial: its name, a field, what was asked, and what the process that used it read back."""
    return [
        (record.name, one.field, shown(one.asked), shown(one.found))
        for record in result.course.records
        for one in record.arrived
    ]
