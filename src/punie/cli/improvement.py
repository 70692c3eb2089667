"""`punie improve`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from punie.cli.options import Json

if TYPE_CHECKING:
    from punie.improvement.improvement import Improvement


def improve(
    recipe: Annotated[
        Path, typer.Argument(help="What is asked and learned: recipes/self-improvement.yaml.", show_default=False)
    ],
    output: Annotated[
        Path | None, typer.Option("--output", help="The folder to make; reports/NAME if not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Let a model learn from its own right answers, round by round, while its dev score rises; then ask the test half.

    The same command goes on after an interruption. No question is asked twice.
    """
    from punie.cli import console
    from punie.cli.steps import Steps
    from punie.improvement.folder import ImprovementFolder
    from punie.improvement.improvement import improve as run
    from punie.improvement.recipe import load_improvement
    from punie.improvement.report import to_record, write_report

    asked = load_improvement(recipe)
    folder = output or Path("reports") / asked.name
    with Steps(width=len("round 9: training")) as steps:
        found = run(asked, folder, shlex.join(["punie", "improve", str(recipe), "--output", str(folder)]), steps)
    write_report(ImprovementFolder(folder), asked.name, found)
    if as_json:
        console.print_json(to_record(found))
        return
    _show(found)
    console.note(f"Page: {ImprovementFolder(folder).page}")


def _show(found: Improvement) -> None:
    from punie.cli import console
    from punie.improvement.report import control_told, dev_rows, headline, sentences

    console.print_table(["", "right answers", "rows", "dev", "points", "p", "rose"], dev_rows(found))
    if found.comparison is not None:
        console.out.print()
        console.show_comparison(found.comparison)
    else:
        console.print_line(headline(found))
    for sentence in filter(None, (control_told(found), *sentences(found))):
        console.note(sentence)
