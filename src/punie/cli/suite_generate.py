"""`punie suite generate`: cases made from a seed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from punie.cli.options import Json, Seed
from punie.cli.suite import show_categories, suite_facts

app = typer.Typer(name="generate", help="Make cases from a seed.", rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def generate() -> None:
    """Make cases from a seed: the same seed gives the same cases."""


@app.command()
def toolcalls(
    output: Annotated[Path, typer.Option("--output", help="The .yaml or .jsonl to write.", show_default=False)],
    count: Annotated[int, typer.Option("--count", min=1, help="How many cases, over all categories.")] = 200,
    seed: Seed = 0,
    tools: Annotated[
        Path | None,
        typer.Option(
            "--tools", help="Your own tools, the file that the dataset was made from; built-in ones without it."
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option("--against", help="A dataset that must share no question, call or held-out tool with the suite."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Calls that no row of `punie dataset generate toolcalls` has: other arguments and wordings, and tools held out."""
    from punie.cli import console
    from punie.evaluation.call_suite import generate_toolcalls_suite
    from punie.evaluation.suite_writer import write_suite

    made = generate_toolcalls_suite(output.stem, count, seed, tools=tools, against=against)
    write_suite(made, output)
    if as_json:
        console.print_json(suite_facts(made))
        return
    show_categories(made)
    console.note(f"Next: punie suite check {output}")
