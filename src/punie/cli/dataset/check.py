"""`punie dataset validate`: rows as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from punie.cli.dataset.group import app
from punie.cli.options import Json


@app.command()
def validate(
    folder: Annotated[
        Path, typer.Argument(help="A folder with train.jsonl and, if there are, valid.jsonl, test.jsonl.")
    ],
    as_json: Json = False,
) -> None:
    """Look at every row, and name each one that cannot be taught from. Exit code 3 if there is one."""
    from punie.cli import console
    from punie.data.dataset import validate_dataset

    validation = validate_dataset(folder)
    if as_json:
        problems = [{"where": problem.where, "why": problem.why} for problem in validation.problems]
        console.print_json({"counts": validation.counts, "shapes": validation.shapes, "problems": problems})
    else:
        console.print_table(["split", "rows"], [(split, str(count)) for split, count in validation.counts.items()])
        console.print_table(["shape", "rows"], [(shape, str(count)) for shape, count in validation.shapes.items()])
    validation.require_sound()
