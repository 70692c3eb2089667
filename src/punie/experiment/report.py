"""The report of an experiment: a page and Markdown for people, and the same figures unrounded for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from punie.experiment.folder import ExperimentFolder
from punie.experiment.page import headline, render_experiment
from punie.experiment.recipe import CurriculumExperiment
from punie.experiment.results import Results
from punie.experiment.tables import setup_of, tables_of
from punie.files import write_json, write_text
from punie.report.experiments import write_experiment


def write_report(folder: ExperimentFolder, recipe: CurriculumExperiment, results: Results) -> None:
    write_json(folder.figures, to_record(results))
    write_text(folder.report, to_markdown(recipe, results))
    write_text(folder.page, render_experiment(recipe, results))
    write_experiment(folder.root, "curriculum", headline(results))


def to_record(results: Results) -> dict[str, Any]:
    """In JSON's values."""
    record = msgspec.to_builtins(results, enc_hook=lambda contrast: contrast.model_dump())
    verdicts = [
        {**told, "verdict": one.verdict} for told, one in zip(record["contrasts"], results.contrasts, strict=True)
    ]
    return {"format": 1, **record, "contrasts": verdicts}


def to_markdown(recipe: CurriculumExperiment, results: Results) -> str:
    parts = [f"# {recipe.name}", setup_of(recipe, results)]
    if results.missing:
        parts.append(f"**Not done yet:** {'; '.join(results.missing)}.")
    for table in tables_of(recipe, results):
        parts += [f"## {table.title}", table.note, _table(table.head, table.rows)]
    if recipe.differences:
        parts += ["## Not as there", "\n".join(f"- {sentence}" for sentence in recipe.differences)]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
