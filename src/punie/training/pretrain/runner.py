"""Pretraining as the command line sees it: a recipe goes in; a model folder with its card comes out, or nothing."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex

from punie import __version__
from punie.errors import TrainingError, UsageError
from punie.files import hash_file, make_folder, write_json, write_text
from punie.process import Child, mlx_environment
from punie.training.metrics import Failed, follow
from punie.training.pretrain.card import CARD, README, ModelCard
from punie.training.pretrain.progress import DECODER, Finished, Progress
from punie.training.pretrain.recipe import Recipe, load_recipe

Listener = Callable[[Progress], None]

_MODEL_FILES = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"}


def pretrain(recipe_path: Path, output: Path, *, on_progress: Listener | None = None) -> ModelCard:
    """Train in a child and give the folder its name when it is whole.

    Raises UsageError when the output is in use, DivergedError when the loss stops being a number, TrainingError with
    the child's last lines when it breaks. An interrupted pretraining leaves nothing.
    """
    recipe, output = load_recipe(recipe_path), output.resolve()
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise UsageError("The output folder is in use.", where=str(output), hint="Choose another one, or empty it.")
    draft = make_folder(output.parent / f".{output.name}.{token_hex(4)}")
    try:
        card = _make_model(recipe, draft, on_progress or (lambda _: None))
        _publish(draft, output)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return card


def _make_model(recipe: Recipe, draft: Path, on_progress: Listener) -> ModelCard:
    began = time.monotonic()
    finished = _run_child(recipe, draft, on_progress)
    card = ModelCard(
        name=recipe.name,
        parameters=finished.parameters,
        tokens=finished.tokens,
        train_loss=finished.train_loss,
        valid_loss=finished.valid_loss,
        seconds=time.monotonic() - began,
        weights_sha256=hash_file(draft / "model.safetensors"),
        tokenizer_sha256=hash_file(draft / "tokenizer.json"),
        versions={"punie": __version__, **{name: version(name) for name in ("mlx", "numpy", "tokenizers")}},
        recipe=recipe.model_dump(),
    )
    write_json(draft / CARD, card.model_dump())
    write_text(draft / README, card.to_markdown())
    return card


def _run_child(recipe: Recipe, draft: Path, on_progress: Listener) -> Finished:
    metrics, written = draft / "metrics.jsonl", draft / "recipe.yaml"
    metrics.touch()
    # What was read is handed on, so that the card tells the recipe that was used even if the user's file changes.
    write_text(written, recipe.to_yaml())
    # Two streams share the batch: more threads inside a matrix product would only get in their way.
    environment = {**mlx_environment(), "OPENBLAS_NUM_THREADS": "1"}
    # Thousands of equal steps repay the compiler; `fast_exp` is fast only when it is fused.
    environment.pop("MLX_DISABLE_COMPILE", None)
    arguments = ("punie.training.pretrain.worker", str(written), str(draft))
    with Child(*arguments, log=draft / "pretrain.log", environment=environment) as child:
        for metric in follow(metrics, lambda: child.poll() is None, DECODER):
            match metric:
                case Progress():
                    on_progress(metric)
                case Finished():
                    return metric
                case Failed():
                    raise metric.to_error()
        raise TrainingError("The pretraining process ended without a result.", hint=child.last_lines())


def _publish(draft: Path, output: Path) -> None:
    for file in draft.iterdir():
        if file.name not in {*_MODEL_FILES, CARD, README}:
            file.unlink()
    draft.replace(output)
