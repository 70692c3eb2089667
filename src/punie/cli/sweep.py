"""`punie sweep`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from punie.cli.options import Json

if TYPE_CHECKING:
    from punie.sweep.sweep import SweepResult


def sweep(
    recipe: Annotated[
        Path, typer.Argument(metavar="SWEEP.yaml", help="What changes from trial to trial, and how one is chosen.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", help="The folder of the sweep; reports/NAME if not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure many settings of a training or of sampling, choose one, and say what the choice is worth.

    Settings are chosen by the dev half of a suite or by validation loss; only the chosen one and the base are asked the
    test half. The same command goes on after an interruption, and after the budget was raised.
    """
    from punie.cli import console
    from punie.cli.watching import following
    from punie.sweep.page import write_page
    from punie.sweep.recipe import load_sweep
    from punie.sweep.story import to_record
    from punie.sweep.sweep import run

    asked = load_sweep(recipe)
    folder = output or Path("reports") / asked.name
    again = shlex.join(["punie", "sweep", str(recipe), "--output", str(folder)])
    with following() as hear:
        result = run(asked, folder, again, hear)
    page = write_page(result)
    if as_json:
        console.print_json(to_record(result))
    else:
        _show(result)
        console.note(f"Plan: {result.folder.best}" if asked.plan is not None else f"Result: {result.folder.result}")
        console.note(f"Page: {page}")


def _show(result: SweepResult) -> None:
    from punie.cli import console
    from punie.sweep.story import columns, ledger, sentences

    console.print_table(columns(result), ledger(result))
    for sentence in sentences(result):
        console.print_line(sentence)
