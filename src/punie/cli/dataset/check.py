"""`punie dataset validate`: rows as they are, and as a model will see them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from punie.cli.dataset.group import app
from punie.cli.options import Json

if TYPE_CHECKING:
    from punie.data.check.rendering import Rendering
    from punie.data.check.validation import Validation


@app.command()
def validate(
    path: Annotated[Path, typer.Argument(help="A dataset folder, or one .jsonl file.")],
    model: Annotated[
        str | None,
        typer.Option(
            "--model", help="Also render and tokenize every row as this model's trainer does; tiny works too."
        ),
    ] = None,
    max_seq_length: Annotated[
        int, typer.Option("--max-seq-length", min=2, help="Tokens at which training cuts a row; used with --model.")
    ] = 2048,
    tolerance: Annotated[
        float, typer.Option(min=0, max=100, metavar="PCT", help="How many percent of the rows may have a problem.")
    ] = 0.0,
    as_json: Json = False,
) -> None:
    """Look at every row, and name everything that is wrong with it, and where. Exit code 3 if there is anything."""
    from punie.cli import console
    from punie.cli.live import Live
    from punie.data.check import validation
    from punie.workspace import resolve_model

    written = console.JsonList("errors")
    with Live() as live:
        live.begin("reading")
        found = validation.validate(
            path,
            model=None if model is None else resolve_model(model),
            max_seq_length=max_seq_length,
            on_problem=lambda problem: written.add(asdict(problem)) if as_json else None,
            progress=live.step,
        )
    if as_json:
        written.end(_as_json(found))
    else:
        _show(found)
    found.require_sound(tolerance)


def _as_json(found: Validation) -> dict[str, Any]:
    return {
        "warnings": [asdict(caution) for caution in found.cautions],
        "rows": found.rows,
        "failed": found.failed,
        "counts": found.counts,
        "shapes": found.shapes,
        "rules": found.rules,
        "rendering": None if found.rendering is None else msgspec.structs.asdict(found.rendering),
    }


def _show(found: Validation) -> None:
    from punie.cli import console

    for title, counts in (("split", found.counts), ("shape", found.shapes), ("problem", found.rules)):
        if counts:
            console.print_table(
                [title, "count" if title == "problem" else "rows"],
                [(name, f"{count:,}") for name, count in counts.items()],
            )
    if found.rendering is not None:
        _show_rendering(found.rendering)
    for caution in found.cautions:
        console.note(f"Note: {caution.message}")


def _show_rendering(rendering: Rendering) -> None:
    from punie.cli import console

    console.print_facts(
        {
            "tokens": f"{rendering.tokens:,}",
            "longest row": f"{rendering.longest:,} tokens",
            "rows cut": f"{rendering.truncated:,}, which lose {rendering.tokens_lost:,} tokens",
            "an answer ends with": rendering.end_of_turn or "nothing that is marked",
            "generation stops at": ", ".join(rendering.stops),
        }
    )
