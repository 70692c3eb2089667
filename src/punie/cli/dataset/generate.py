"""`punie dataset generate KIND`: rows made from a seed, a command for each kind."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from punie.cli.dataset.group import app as dataset
from punie.cli.options import Json, Seed

if TYPE_CHECKING:
    from punie.data.dataset import Manifest

app = typer.Typer(name="generate", help="Make rows from a seed.", rich_markup_mode=None, no_args_is_help=True)
dataset.add_typer(app)

_RANGE = re.compile(r"\s*([0-9]{1,2})(?:-([0-9]{1,2}))?\s*")
Count = Annotated[int, typer.Option("--count", min=1, help="How many rows, over all splits.")]
Output = Annotated[Path, typer.Option("--output", help="The dataset folder to make.", show_default=False)]


@app.callback()
def generate() -> None:
    """Make rows from a seed: the same seed gives the same bytes."""


@app.command()
def tinypy(
    output: Output,
    count: Count = 10_000,
    seed: Seed = 0,
    levels: Annotated[str, typer.Option("--levels", help="Which of the seven levels: 1-7, or 1,3,5-6.")] = "1-7",
    empty: Annotated[
        float | None,
        typer.Option(
            "--empty",
            min=0,
            max=100,
            help="Percent of rows whose program prints nothing, at the levels that have such programs; as drawn "
            "without it.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Very small Python programs with what they print, as text: TinyPy, seven levels from a sum to a while loop."""
    from punie.cli import console
    from punie.cli.live import Live
    from punie.generate.tinypy.rows import generate_tinypy

    with Live() as live:
        manifest = generate_tinypy(
            output, count, seed, levels=_numbers(levels, "--levels"), empty=empty, progress=live.step
        )
    if told(manifest, as_json):
        return
    rejected = [(reason, f"{many:,}") for reason, many in manifest.recipe["rejected"].items()]
    console.print_table(["drawn in vain", "programs"], rejected)


@app.command()
def algorithms(
    output: Output,
    count: Count = 1_000,
    seed: Seed = 0,
    types: Annotated[
        str, typer.Option("--types", help="Types of problems with commas between them, or basic, hard, all.")
    ] = "all",
    difficulty: Annotated[str, typer.Option("--difficulty", help="From 1 to 10: 1-10, or 1,3,5-6.")] = "1-10",
    as_json: Json = False,
) -> None:
    """Functions to write, of 24 types at ten difficulties, as chats: each solution has passed its tests.

    Types that are held out are in test alone.
    """
    from punie.cli.live import Live
    from punie.generate.algorithms.rows import generate_algorithms

    names = [name.strip() for name in types.split(",") if name.strip()]
    levels = _numbers(difficulty, "--difficulty")
    with Live() as live:
        manifest = generate_algorithms(output, count, seed, types=names, difficulties=levels, progress=live.step)
    told(manifest, as_json)


@app.command()
def categories(
    output: Output,
    count: Count = 1_000,
    seed: Seed = 0,
    only: Annotated[
        list[str] | None,
        typer.Option("--category", help="Only this category; may be given several times.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Small tasks of ten categories, from arithmetic to object-oriented, as chats: each solution has passed its tests.

    How different they are is printed, and stands in dataset.json.
    """
    from punie.cli import console
    from punie.cli.live import Live
    from punie.generate.categories.rows import CATEGORIES, generate_categories

    with Live() as live:
        manifest = generate_categories(output, count, seed, categories=only or CATEGORIES, progress=live.step)
    if told(manifest, as_json):
        return
    found = manifest.recipe["diversity"]
    console.print_facts({name.replace("_", " "): value for name, value in found.items()})


def told(manifest: Manifest, as_json: bool) -> bool:
    """Print the manifest, or how many rows there are; whether that is all."""
    from punie.cli import console

    if as_json:
        console.print_json(manifest.model_dump())
    else:
        console.print_table(["split", "rows"], [(split, f"{rows:,}") for split, rows in manifest.counts.items()])
    return as_json


def _numbers(given: str, option: str) -> list[int]:
    """ "1,3,5-6" as [1, 3, 5, 6]. Raises typer.BadParameter."""
    numbers = list[int]()
    for part in given.split(","):
        if (found := _RANGE.fullmatch(part)) is None:
            raise typer.BadParameter(f"{part!r} is neither a number nor a range like 1-7.", param_hint=option)
        low, high = found.groups()
        numbers += range(int(low), int(high or low) + 1)
    return numbers
