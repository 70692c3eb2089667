"""`punie curriculum score`, `show`: how hard each row is, and when it is shown."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from punie.cli import lessons
from punie.cli.options import Json
from punie.workspace import EMBEDDED_MODEL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from punie.curriculum.measure import Measure
    from punie.curriculum.score import Scoring, Spread
    from punie.data.progress import Progress

app = typer.Typer(name="curriculum", help="In which order rows are learned.", no_args_is_help=True)


app.command("show")(lessons.show)


@app.callback()
def curriculum() -> None:
    """In which order rows are learned: how hard each is, and when it is shown."""


@app.command("score")
def score_(
    source: Annotated[Path, typer.Argument(help="A dataset folder, or one .jsonl file.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", help="The dataset folder to make.", show_default=False)],
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            help="overall (default), cyclomatic, halstead, nesting, length, loss, failure_rate, or field:NAME for a "
            "number that rows have; several are given by several --metric, and the first makes the label.",
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
    model: Annotated[
        str | None, typer.Option("--model", help="For loss: the model that is asked; tiny by default.")
    ] = None,
    max_seq_length: Annotated[
        int | None, typer.Option("--max-seq-length", min=2, help="For loss: tokens that count; 2048 by default.")
    ] = None,
    after: Annotated[
        str | None,
        typer.Option("--after", help='For loss: of a text only what follows this counts, for example "# output".'),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option("--run", help="For failure_rate: a folder of punie eval; its cases are the rows of the same id."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write how hard each row is into its metadata, and easy, medium or hard as its difficulty."""
    from punie.cli import console
    from punie.cli.live import Live
    from punie.curriculum.score import score

    cuts, names = _read_thresholds(thresholds), metric or ["overall"]
    _require_use(names, "loss", {"--model": model, "--max-seq-length": max_seq_length, "--after": after})
    _require_use(names, "failure_rate", {"--run": run})
    with Live() as live:
        live.begin("measuring")
        asked = _Asked(source, language, model or EMBEDDED_MODEL, max_seq_length or 2048, after, run)
        measures = [_measure(name, asked, live.step) for name in names]
        found = score(source, output, measures, thresholds=cuts, progress=live.step)
    if as_json:
        console.print_json(_record(found))
    else:
        _show(found, output)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What measures other than their name are made of."""

    source: Path
    language: str
    model: str
    max_seq_length: int
    after: str | None
    run: Path | None


def _measure(name: str, asked: _Asked, progress: Progress) -> Measure:
    if name == "loss":
        from punie.training.row_loss import loss_measure
        from punie.workspace import resolve_model

        return loss_measure(
            asked.source,
            resolve_model(asked.model),
            max_seq_length=asked.max_seq_length,
            after=asked.after,
            progress=progress,
        )
    if name == "failure_rate":
        from punie.evaluation.failure_rate import failure_measure

        if asked.run is None:
            raise typer.BadParameter("failure_rate needs the folder of an evaluation", param_hint="--run")
        return failure_measure(asked.run)
    from punie.curriculum.difficulty import static_measure

    return static_measure(name, asked.language)


def _require_use(names: Sequence[str], measure: str, options: Mapping[str, object]) -> None:
    """An option of a measure that is not asked for would do nothing."""
    for option, value in options.items():
        if value is not None and measure not in names:
            raise typer.BadParameter(f"is for --metric {measure}", param_hint=option)


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
    if empty := [level for level in LEVELS if not any(of[level] for of in found.labels.values())]:
        console.note(
            f"No row is {' or '.join(empty)}: too many have the same figure, or --thresholds would suit better."
        )
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
