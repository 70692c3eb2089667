"""The page of a chain: what came of it first, then every model, every step, and what each was made from."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from punie.errors import PunieError
from punie.experiment.chain.folder import ChainFolder
from punie.experiment.chain.ledger import Entry
from punie.experiment.chain.outcome import Outcome, to_record
from punie.experiment.chain.recipe import ChainExperiment
from punie.files import write_json, write_text
from punie.report.experiments import write_experiment
from punie.report.html import render_page
from punie.workspace import EMBEDDED_MODEL


@dataclass(frozen=True, slots=True)
class Line:
    """One step, as the page tells it. `facts`: settings and hashes by name."""

    step: str
    result: str
    why: str
    seconds: float
    finished: str
    cleared: bool
    output: str
    page: str | None
    facts: tuple[tuple[str, str], ...]


def write_page(
    recipe: ChainExperiment, folder: ChainFolder, outcome: Outcome, command: str, broken: PunieError | None
) -> None:
    """Write report.html, report.json and what the journal tells. `broken` is what ended the chain too early."""
    write_json(folder.figures, to_record(outcome))
    headline, *evidence = _said(outcome, broken)
    compared = folder.comparison / "comparison.html"
    text = render_page(
        "experiment.html",
        name=recipe.name,
        headline=headline,
        evidence=evidence,
        command=command if broken else "",
        demonstration=recipe.model == EMBEDDED_MODEL,
        verdicts=outcome.verdicts,
        chosen=outcome.chosen,
        compared=_link(compared, folder.root) if compared.is_file() else None,
        lines=[_line(entry, folder.root) for entry in outcome.entries],
        recipe=recipe.to_yaml(),
    )
    write_text(folder.report, text)
    write_experiment(folder.root, "chain", headline)


def _said(outcome: Outcome, broken: PunieError | None) -> Sequence[str]:
    """The sentence that is read first, and those that bear it out."""
    if broken is not None:
        return f"Not finished; steps done: {len(outcome.entries)}.", broken.what, broken.where
    if not outcome.verdicts:
        return (f"All steps are done: {len(outcome.entries)}.",)
    by_name = {verdict.model: verdict for verdict in outcome.verdicts}
    if outcome.chosen is None:
        return "No model passes the gate.", *(verdict.headline for verdict in outcome.verdicts)
    best = by_name[outcome.chosen]
    return best.headline, f"{best.evidence} Chosen: {best.model}."


def _line(entry: Entry, root: Path) -> Line:
    record = entry.record
    return Line(
        record.step,
        record.result,
        entry.why,
        record.seconds,
        record.finished[:16].replace("T", " "),
        record.cleared,
        os.path.relpath(entry.output, root),
        None if entry.page is None or not entry.page.is_file() else _link(entry.page, root),
        tuple(_facts(entry)),
    )


def _facts(entry: Entry) -> Iterator[tuple[str, str]]:
    for name, found in entry.record.inputs.items():
        yield f"input {name}", found
    for name, value in entry.record.settings.items():
        yield name.replace("_", " "), str(value)
    yield "output", entry.record.hash


def _link(page: Path, root: Path) -> str:
    return quote(os.path.relpath(page, root).replace(os.sep, "/"))
