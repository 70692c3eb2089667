"""The page of an experiment: what its questions came to first, then every arm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from punie.evaluation.stats import Interval
from punie.experiment.recipe import CurriculumExperiment
from punie.experiment.results import Results
from punie.experiment.tables import Table, setup_of, tables_of
from punie.report.html import render_page

_FIRST = "Contrasts"


@dataclass(frozen=True, slots=True)
class Share:
    """Of programs, as a chart of intervals takes it."""

    share: float
    interval: Interval
    counted: int


def render_experiment(recipe: CurriculumExperiment, results: Results) -> str:
    """One HTML document that can be encoded as UTF-8."""
    tables = {table.title: table for table in tables_of(recipe, results)}
    return render_page(
        "curriculum.html",
        name=recipe.name,
        source=recipe.source,
        headline=headline(results),
        setup=setup_of(recipe, results),
        cautions=list(_cautions(recipe, results)),
        differences=recipe.differences,
        contrasts=list(zip(results.contrasts, _rows(tables.pop(_FIRST, None)), strict=True)),
        shares=list(_shares(results)),
        tables=list(tables.values()),
    )


def headline(results: Results) -> str:
    """Which questions are answered, and how."""
    told = [one for one in results.contrasts if one.verdict in ("better", "worse")]
    if not results.contrasts:
        return "Nothing can be compared yet: no two arms have two seeds in common."
    if not told:
        return f"Cannot tell: none of {len(results.contrasts)} differences holds over programs and over seeds."
    named = "; ".join(f"{one.contrast.arm} is {one.verdict} than {one.contrast.against}" for one in told)
    hold = "holds" if len(told) == 1 else "hold"
    return f"{len(told)} of {len(results.contrasts)} differences {hold}: {named}."


def _cautions(recipe: CurriculumExperiment, results: Results) -> Iterator[str]:
    if results.missing:
        yield f"Not done yet: {'; '.join(results.missing)}."
    seeds = min((len(one.differences["execution"].of_seeds) for one in results.contrasts), default=0)
    if 0 < seeds < len(recipe.seeds):
        yield f"Some differences rest on {seeds} of {len(recipe.seeds)} seeds."


def _shares(results: Results) -> Iterator[tuple[str, Share, tuple[float, ...]]]:
    """Greedy execution of each arm, and of each of its seeds."""
    for arm in results.arms:
        figure = arm.figures["execution"]
        if figure.interval is not None:
            yield arm.name, Share(figure.mean, figure.interval, results.programs), figure.of_seeds


def _rows(table: Table | None) -> list[dict[str, str]]:
    return [] if table is None else [dict(zip(table.head, row, strict=True)) for row in table.rows]
