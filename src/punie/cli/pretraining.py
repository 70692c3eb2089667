"""`punie pretrain`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from punie.cli.options import Json
from punie.errors import UsageError

if TYPE_CHECKING:
    from punie.training.pretrain.card import ModelCard
    from punie.training.pretrain.model_recipe import ModelRecipe


def pretrain(
    recipe: Annotated[Path, typer.Argument(help="A pretraining recipe in YAML, for example recipes/tiny.yaml.")],
    output: Annotated[Path | None, typer.Option("--output", help="The model folder to make.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the interrupted one in --output.")] = False,
    probe: Annotated[
        bool,
        typer.Option("--probe", help="Only see whether the model can learn a few rows by heart, and write nothing."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a small model from scratch, tokenizer included: on rows of your own, or the embedded model."""
    from punie.cli import console
    from punie.training.pretrain.model_recipe import ModelRecipe, read_recipe

    made = read_recipe(recipe)
    if not isinstance(made, ModelRecipe) and (probe or resume):
        raise UsageError(
            "A recipe of the embedded model has neither --probe nor --resume: interrupted, it leaves nothing.",
            where=str(recipe),
        )
    if probe:
        _probe(recipe, as_json)
        return
    folder = output or Path("models") / made.name
    if isinstance(made, ModelRecipe):
        card = _pretrain_on_rows(recipe, made, folder, resume)
    else:
        card = _pretrain_embedded(recipe, folder)
    if as_json:
        console.print_json(card.model_dump())
    else:
        console.print_facts({"model": str(folder), **card.facts()})


def _probe(recipe: Path, as_json: bool) -> None:
    from msgspec import to_builtins

    from punie.cli import console
    from punie.cli.live import Live
    from punie.training.pretrain.overfit import probe as run

    with Live() as live:
        probes = run(recipe, on_metric=lambda metric: live.metric(metric, 1))
    if as_json:
        console.print_json({"probes": [to_builtins(probed) for probed in probes]})
    else:
        console.print_facts({probed.probe: probed.found for probed in probes})
    if (last := probes[-1]).advice:
        raise UsageError(last.found, where=f"probe {last.probe}", hint=last.advice)


def _pretrain_on_rows(recipe: Path, made: ModelRecipe, folder: Path, resume: bool) -> ModelCard:
    from punie.cli import console
    from punie.cli.watching import listeners, page_of_training
    from punie.training.pretrain.scratch import plan_of
    from punie.training.pretrain.scratch import pretrain as run

    request = plan_of(made, folder, str(recipe))
    for converted in request.notes:
        console.note(converted)
    with page_of_training(request.plan), listeners(request.plan, events=False, trackers=[]) as on_metric:
        return run(recipe, folder, resume=resume, on_metric=on_metric)


def _pretrain_embedded(recipe: Path, folder: Path) -> ModelCard:
    from punie.cli.live import Live
    from punie.training.pretrain.runner import pretrain as run

    with Live() as live:
        live.begin("preparing text and tokenizer")
        return run(recipe, folder, on_progress=live.pretraining)
