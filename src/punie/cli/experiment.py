"""`punie experiment new`, `run`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from punie.cli.options import Json

if TYPE_CHECKING:
    from punie.experiment.chain.recipe import ChainExperiment
    from punie.experiment.recipe import CurriculumExperiment
    from punie.experiment.results import Results

app = typer.Typer(name="experiment", help="A whole experiment from one recipe.", no_args_is_help=True)


@app.callback()
def experiment() -> None:
    """A whole experiment from one recipe: from rows to a verdict, or many trainings that are compared."""


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="What the experiment is called.")] = "first",
    output: Annotated[Path | None, typer.Option("--output", help="The file; NAME.yaml if not given.")] = None,
) -> None:
    """Write a recipe with comments. As it stands it runs with the embedded model."""
    from punie.cli import console
    from punie.experiment.chain.template import write_template

    file = write_template(name, output or Path(f"{name}.yaml"))
    console.out.print(str(file))
    console.note(f"Next: punie experiment run {shlex.quote(str(file))}")


@app.command("run")
def run_(
    recipe: Annotated[
        Path, typer.Argument(help="A recipe in YAML: punie experiment new writes one.", show_default=False)
    ],
    output: Annotated[
        Path | None, typer.Option("--output", help="The folder of the experiment; reports/NAME if not given.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="At the size that the recipe calls full.")] = False,
    as_json: Json = False,
) -> None:
    """Do all steps of a recipe, or what is left of them, and write one report.

    A step whose settings and inputs are the same is not done again. The same command goes on after an interruption.
    """
    from punie.experiment.chain.recipe import ChainExperiment
    from punie.experiment.loading import load_experiment

    asked = load_experiment(recipe, full=full)
    folder = output or Path("reports") / asked.name
    again = ["punie", "experiment", "run", str(recipe), "--output", str(folder), *(["--full"] if full else [])]
    if isinstance(asked, ChainExperiment):
        _run_chain(asked, folder, str(recipe), shlex.join(again), as_json)
    else:
        _run_curriculum(asked, folder, shlex.join(again), as_json)


def _run_chain(asked: ChainExperiment, folder: Path, where: str, again: str, as_json: bool) -> None:
    from punie.cli import console
    from punie.cli.steps import Steps
    from punie.experiment.chain.folder import ChainFolder
    from punie.experiment.chain.outcome import require_passing, to_record
    from punie.experiment.chain.run import run

    with Steps(width=20) as steps:
        outcome = run(asked, ChainFolder(folder), where, again, steps)
    if as_json:
        console.print_json(to_record(outcome))
    else:
        for verdict in outcome.verdicts:
            console.print_line(f"{verdict.headline} {verdict.evidence}")
        console.note(f"Page: {outcome.page}")
    if asked.compare is not None and asked.compare.gate:
        require_passing(outcome)


def _run_curriculum(asked: CurriculumExperiment, folder: Path, again: str, as_json: bool) -> None:
    from punie.cli import console
    from punie.cli.watching import following
    from punie.experiment.curriculum import run
    from punie.experiment.folder import ExperimentFolder
    from punie.experiment.report import to_record

    with following(asked.iters) as hear:
        results = run(asked, folder, again, hear)
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
