"""`punie curriculum score`: how hard each row is."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from punie.cli.options import Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from punie.curriculum.score import Scoring, Spread

app = typer.Typer(name="curriculum", help="In which order rows are learned.", no_args_is_help=True)


@app.callback()
def curriculum() -> None:
    """In which order rows are learned: how hard each is."""


@app.command("score")
def score_(
    source: Annotated[Path, typer.Argument(help="A dataset folder, or one .jsonl file.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", help="The dataset folder to make.", show_default=False)],
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            help="overall (default), cyclomatic, halstead, nesting, length, or field:NAME for a number that rows "
            "have; several are given by several --metric, and the first makes the label.",
        ),
    ] = None,
    thresholds: Annotated[
        str | None,
        typer.Option(
            "--thresholds",
            help="MEDIUM,HARD: from which figure on a row is medium, and hard; 2,4 for overall, else thirds.",
        ),
    ] = None,
    language: Annotated[
        str, typer.Option("--language", help="Of the code; others than python need the extra `languages`.")
    ] = "python",
    as_json: Json = False,
) -> None:
    """Write how hard each row is into its metadata, and easy, medium or hard as its difficulty."""
    from punie.cli import console
    from punie.cli.live import Live
    from punie.curriculum.difficulty import static_measure
    from punie.curriculum.score import score

    cuts = _read_thresholds(thresholds)
    measures = [static_measure(name, language) for name in metric or ["overall"]]
    with Live() as live:
        live.begin("measuring")
        found = score(source, output, measures, thresholds=cuts, progress=live.step)
    if as_json:
        console.print_json(_record(found))
    else:
        _show(found, output)


def _read_thresholds(given: str | None) -> tuple[float, float] | None:
    """Raises typer.BadParameter."""
    if given is None:
        return None
    try:
        medium, hard = map(float, given.split(","))
    except ValueError:
        medium = hard = math.nan
    if not medium < hard:
        raise typer.BadParameter(f"{given!r} is not two rising numbers like 2,4.", param_hint="--thresholds")
    return medium, hard


def _record(found: Scoring) -> dict[str, object]:
    return {
        **found.manifest.model_dump(),
        "labels": {split: {str(label or "none"): n for label, n in of.items()} for split, of in found.labels.items()},
        "spreads": [{**asdict(spread), "unscored": dict(spread.unscored)} for spread in found.spreads],
        "correlations": [
            {"first": one.first, "second": one.second, "rows": one.rows, "spearman": one.rho}
            for one in found.correlations
        ],
    }


def _show(found: Scoring, output: Path) -> None:
    from punie.cli import console
    from punie.curriculum.score import LEDGER, LEVELS

    columns = [*LEVELS, *([None] if any(of[None] for of in found.labels.values()) else [])]
    rows = [(split, *(f"{of[label]:,}" for label in columns)) for split, of in found.labels.items()]
    console.print_table(["difficulty", *(label or "no label" for label in columns)], rows)
    console.print_table(
        ["measure", "rows", "least", "25 %", "median", "75 %", "greatest", "mean"], map(_figures, found.spreads)
    )
    if found.correlations:
        pairs = [
            (f"{one.first}, {one.second}", f"{one.rows:,}", "one is constant" if one.rho is None else f"{one.rho:+.2f}")
            for one in found.correlations
        ]
        console.print_table(["rank correlation (Spearman)", "rows", "rho"], pairs)
    _show_unscored(found.spreads, output / LEDGER)
    console.note(f"Medium from {found.thresholds[0]:g} on, hard from {found.thresholds[1]:g} on.")


def _figures(spread: Spread) -> tuple[str, ...]:
    numbers = () if spread.mean is None else (*spread.quantiles, spread.mean)
    return spread.measure, f"{spread.rows:,}", *(f"{value:.4g}" for value in numbers)


def _show_unscored(spreads: Sequence[Spread], ledger: Path) -> None:
    from punie.cli import console

    reasons = [(s.measure, reason, f"{n:,}") for s in spreads for reason, n in s.unscored.items()]
    if reasons:
        table = [(f"{measure}: {reason}", count) for measure, reason, count in reasons]
        console.print_table(["not scored", "rows"], table)
        console.note(f"Which rows: {ledger}")
