"""`punie experiment run`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from punie.cli.options import Json

if TYPE_CHECKING:
    from punie.experiment.results import Results

app = typer.Typer(name="experiment", help="Several trainings that are compared by a recipe.", no_args_is_help=True)


@app.callback()
def experiment() -> None:
    """Several trainings that are compared by a recipe."""


@app.command("run")
def run_(
    recipe: Annotated[
        Path, typer.Argument(help="What is compared: recipes/curriculum-paper.yaml.", show_default=False)
    ],
    output: Annotated[
        Path | None, typer.Option("--output", help="The folder of the experiment; reports/NAME if not given.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="At the size that the recipe calls full.")] = False,
    as_json: Json = False,
) -> None:
    """Train and measure every arm with every seed, and write one report.

    The same command goes on after an interruption. Started again beside itself, it shares the work.
    """
    from punie.cli import console
    from punie.cli.watching import following
    from punie.experiment.curriculum import run
    from punie.experiment.folder import ExperimentFolder
    from punie.experiment.recipe import load_experiment
    from punie.experiment.report import to_record

    asked = load_experiment(recipe, full=full)
    folder = output or Path("reports") / asked.name
    again = ["punie", "experiment", "run", str(recipe), "--output", str(folder), *(["--full"] if full else [])]
    with following(asked.iters) as hear:
        results = run(asked, folder, shlex.join(again), hear)
    if as_json:
        console.print_json(to_record(results))
    else:
        _show(results)
        console.note(f"Report: {ExperimentFolder(folder).report}")


def _show(results: Results) -> None:
    from punie.cli import console
    from punie.report import numbers

    rows = [
        (arm.name, *(numbers.percent(arm.figures[name].mean) for name in ("execution", "lines", "tokens")))
        for arm in results.arms
    ]
    console.print_table(["arm", "execution, %", "lines, %", "characters, %"], rows)
    found = [
        (one.contrast.question, numbers.points(one.differences["execution"].mean), numbers.p_value(one.p), one.verdict)
        for one in results.contrasts
    ]
    console.print_table(["question", "execution, points", "p", "verdict"], found)
    if results.missing:
        console.note(f"Not done here: {'; '.join(results.missing)}.")
