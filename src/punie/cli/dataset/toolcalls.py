"""`punie dataset generate toolcalls`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from punie.cli.dataset.generate import Count, Output, app, told
from punie.cli.options import Json, Seed


@app.command()
def toolcalls(
    output: Output,
    count: Count = 1_000,
    seed: Seed = 0,
    tools: Annotated[
        Path | None,
        typer.Option("--tools", help="Your own tools, a JSON or YAML list in OpenAI's form; built-in ones without it."),
    ] = None,
    shares: Annotated[
        str,
        typer.Option("--shares", help="How much of each kind of conversation, relative to each other."),
    ] = "call=30,parallel=10,multi_turn=15,negative=25,plain=20",
    family: Annotated[
        str | None,
        typer.Option(
            "--family",
            help="Write texts as this family's models see them (json, xml, mistral, pythonic or llama), for models "
            "whose template knows no tools; messages and tools without it.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Conversations with tool calls, their results and answers, and conversations in which nothing may be called."""
    from punie.cli import console
    from punie.cli.live import Live
    from punie.generate.toolcalls.dataset import MOST_CALLING, generate_toolcalls

    with Live() as live:
        manifest = generate_toolcalls(
            output, count, seed, tools=tools, shares=_shares(shares), family=family, progress=live.step
        )
    recipe = manifest.recipe
    if not told(manifest, as_json):
        console.print_table(["form", "rows"], [(form, f"{many:,}") for form, many in recipe["forms"].items()])
        console.print_facts({"rows with a call, %": recipe["calling_percent"], **_removed(manifest.removed)})
        console.print_facts({f"templates: {name}": value for name, value in recipe["templates"].items()})
    if recipe["calling_percent"] > MOST_CALLING:
        what = f"{recipe['calling_percent']:g} % of the rows call a tool, more than {MOST_CALLING} %"
        console.note(f"Warning: {what}. A model that hardly sees anything else calls tools for everything.")


def _shares(given: str) -> dict[str, float]:
    """ "call=30,plain=20" as {"call": 30, "plain": 20}. Raises typer.BadParameter."""
    shares = dict[str, float]()
    for part in given.split(","):
        kind, _, share = part.strip().partition("=")
        if kind in shares or not re.fullmatch(r"\d+(\.\d+)?", share):
            raise typer.BadParameter(f"{part!r} is not a kind and its share, as call=30.", param_hint="--shares")
        shares[kind] = float(share)
    return shares


def _removed(removed: dict[str, int]) -> dict[str, str]:
    return {f"removed: {rule}": f"{many:,}" for rule, many in removed.items()}
