"""`punie dataset download`: rows from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from punie.cli.dataset.group import app
from punie.cli.options import Json, Seed


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
