"""Pretraining on one's own rows: a model with random weights is made, trained as any other, and given its own folder.

The training is a plan like that of a fine-tuning, with fine_tune_type full and whole_model, so its stages, checkpoints,
reports and ways to stop and go on are the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex

from punie import __version__
from punie.errors import CapacityError, DataError, TrainingError, UsageError
from punie.files import copy_file, hash_file, make_folder, read_json, write_json, write_text
from punie.process import Child
from punie.training.adapter import RECIPE, TRAINING, AdapterFolder
from punie.training.metrics import Doing, Failed, Metric, read_metrics
from punie.training.outcome import TrainingOutcome
from punie.training.pretrain.card import CARD, README, OwnCard
from punie.training.pretrain.model_recipe import ModelRecipe, load_model_recipe
from punie.training.request import Request
from punie.training.rows import training_file
from punie.training.runner import train

Listener = Callable[[Metric], None]

_WEIGHTS = "model.safetensors"
_COPIED = ("config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


@dataclass(frozen=True, slots=True)
class Workshop:
    """The folder of a pretrained model: the model at its top, and what it was made from and how below."""

    root: Path

    @property
    def recipe(self) -> Path:
        return self.root / RECIPE

    @property
    def start(self) -> Path:
        """The model with random weights."""
        return self.root / "start"

    @property
    def training(self) -> AdapterFolder:
        return AdapterFolder(self.root / TRAINING)

    @property
    def weights(self) -> Path:
        return self.root / _WEIGHTS


def plan_of(recipe: ModelRecipe, output: Path, where: str) -> Request:
    """Raises UsageError that names the key."""
    shop = Workshop(output.resolve())
    return recipe.request(shop.start, shop.training.root, where)


def pretrain(recipe_path: Path, output: Path, *, resume: bool = False, on_metric: Listener | None = None) -> OwnCard:
    """Make the model of a recipe, or go on with one whose making was interrupted; a finished one is left as it is.

    Raises what `train` raises, and UsageError where mlx-lm cannot build or load the model.
    """
    shop = Workshop(output.resolve())
    recipe = _with_place(load_model_recipe(recipe_path))
    request = plan_of(recipe, shop.root, str(recipe_path))
    _require_folder(shop, recipe, resume)
    try:
        write_text(shop.recipe, recipe.to_yaml())
        if not shop.start.is_dir():
            make_start(shop.recipe, Path(request.plan.data), shop.start, on_metric)
        outcome = train(request.plan, resume=shop.training.plan.is_file(), on_metric=on_metric)
    except (UsageError, DataError, CapacityError):
        if not resume and not shop.training.state.is_file():
            shutil.rmtree(shop.root)
        raise
    return _assemble(shop, recipe, outcome)


def make_start(recipe: Path, data: Path, folder: Path, on_metric: Listener | None = None) -> None:
    """Run the child that makes the model with random weights, and give its folder its name when it is whole."""
    if on_metric is not None:
        on_metric(Doing(what="making the tokenizer and the first weights", iteration=0))
    draft = make_folder(folder.parent / f".{folder.name}.{token_hex(4)}")
    metrics = draft / "metrics.jsonl"
    try:
        arguments = ("punie.training.pretrain.start_worker", str(recipe), str(data), str(draft))
        with Child(*arguments, log=draft / "start.log") as child:
            child.wait()
            if metrics.is_file() and isinstance(last := read_metrics(metrics)[-1], Failed):
                raise last.to_error()
            if not (draft / "start.json").is_file():
                raise TrainingError("The process that makes the model ended without one.", hint=child.last_lines())
        draft.replace(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _with_place(recipe: ModelRecipe) -> ModelRecipe:
    """The rows by their absolute path: the recipe is kept beside the model. Raises UsageError where there are none."""
    data = training_file(str(recipe.training.get("data", ""))).parent
    return recipe.model_copy(update={"training": {**recipe.training, "data": str(data)}})


def _require_folder(shop: Workshop, recipe: ModelRecipe, resume: bool) -> None:
    if not resume:
        if shop.root.exists() and (not shop.root.is_dir() or any(shop.root.iterdir())):
            raise UsageError(
                "The output folder is in use.",
                where=str(shop.root),
                hint="Use --resume to go on with an interrupted pretraining, or choose another folder.",
            )
        return
    if not shop.recipe.is_file():
        raise UsageError("There is no pretraining to resume.", where=str(shop.root), hint="Leave --resume out.")
    if load_model_recipe(shop.recipe) != recipe:
        raise UsageError(
            "A pretraining resumes only under its own recipe.", where=str(shop.recipe), hint="Use another folder."
        )


def _assemble(shop: Workshop, recipe: ModelRecipe, outcome: TrainingOutcome) -> OwnCard:
    """The trained weights are all of the model's, by its own names, so they are its weights as they stand; they come
    last, since a folder that has them has the rest."""
    for name in _COPIED:
        copy_file(shop.start / name, shop.root / name)
    card = OwnCard(
        name=recipe.name,
        parameters=read_json(shop.start / "start.json")["parameters"],
        tokens=outcome.tokens,
        train_loss=outcome.train_loss,
        valid_loss=outcome.valid_loss,
        seconds=outcome.seconds,
        weights_sha256=hash_file(shop.training.weights),
        tokenizer_sha256=hash_file(shop.root / "tokenizer.json"),
        versions={"punie": __version__, **{name: version(name) for name in ("mlx", "mlx-lm", "tokenizers")}},
        recipe=recipe.model_dump(mode="json"),
    )
    write_json(shop.root / CARD, card.model_dump())
    write_text(shop.root / README, card.to_markdown())
    copy_file(shop.training.weights, shop.weights)
    return card
