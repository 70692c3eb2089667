"""`punie dataset ...`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from punie.cli.options import Json, Seed

app = typer.Typer(name="dataset", help="Rows to teach from.", rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def dataset() -> None:
    """Rows to teach from: get them, check them."""


@app.command()
def download(
    name: Annotated[str, typer.Argument(help="Which dataset; sample is embedded and needs no network.")],
    output: Annotated[Path | None, typer.Option("--output", help="The folder to make; data/NAME by default.")] = None,
    maximum: Annotated[int, typer.Option("--max", min=1, help="How many examples, over all splits.")] = 1000,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Write a dataset as train, valid and test."""
    from punie.cli import console
    from punie.errors import UsageError
    from punie.generate.sample import NAME, write_sample

    if name != NAME:
        raise UsageError(f"There is no dataset called {name!r}.", hint=f"Known: {NAME}.")
    folder = output or Path("data") / name
    manifest = write_sample(folder, maximum, seed)
    if as_json:
        console.print_json(manifest.model_dump())
    else:
        console.print_table(["split", "rows"], [(split, str(count)) for split, count in manifest.counts.items()])
        console.note(f"Next: punie train {folder} --output adapters/{name}")


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
