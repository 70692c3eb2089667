"""Pretraining as the command line sees it: a recipe goes in, a model folder with its card comes out, or nothing does."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from punie.errors import DivergedError, TrainingError, UsageError
from punie.files import hash_file, make_folder, write_json, write_text
from punie.process import Child, mlx_environment
from punie.training.metrics import follow
from punie.training.pretrain.card import ModelCard
from punie.training.pretrain.progress import DECODER, Finished, Progress
from punie.training.pretrain.recipe import Recipe, load_recipe

_WORKER = "punie.training.pretrain.worker"
_MODEL_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def pretrain(recipe_path: Path, output: Path, *, on_progress: Callable[[Progress], None] | None = None) -> ModelCard:
    """Train in a child and give the folder its name when it is whole.

    Raises UsageError when the output is in use, DivergedError when the loss stops being a number, TrainingError with
    the child's last lines when it breaks. An interrupted pretraining leaves nothing.
    """
    recipe = load_recipe(recipe_path)
    if output.exists() and any(output.iterdir()):
        raise UsageError("The output folder is in use.", where=str(output), hint="Choose another one, or empty it.")
    make_folder(output.parent)
    draft = Path(tempfile.mkdtemp(dir=output.parent, prefix=f".{output.name}."))
    try:
        card = _pretrain(recipe, recipe_path, draft, on_progress or (lambda _: None))
        _publish(draft, output)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return card


def _pretrain(recipe: Recipe, recipe_path: Path, draft: Path, on_progress: Callable[[Progress], None]) -> ModelCard:
    began = time.monotonic()
    finished = _run_child(recipe_path, draft, on_progress)
    card = ModelCard(
        name=recipe.name,
        parameters=finished.parameters,
        tokens=finished.tokens,
        train_loss=finished.train_loss,
        valid_loss=finished.valid_loss,
        seconds=time.monotonic() - began,
        weights_sha256=hash_file(draft / "model.safetensors"),
        tokenizer_sha256=hash_file(draft / "tokenizer.json"),
        versions={name: version(name) for name in ("punie", "mlx", "tokenizers")},
        recipe=recipe.model_dump(),
    )
    write_json(draft / "pretrain.json", card.model_dump())
    write_text(draft / "README.md", card.to_markdown())
    return card


def _run_child(recipe_path: Path, draft: Path, on_progress: Callable[[Progress], None]) -> Finished:
    metrics = draft / "metrics.jsonl"
    metrics.touch()
    # Two streams share the batch: more threads inside a matrix product would only get in their way.
    environment = {**mlx_environment(), "OPENBLAS_NUM_THREADS": "1"}
    arguments = (str(recipe_path.resolve()), str(draft))
    with Child(_WORKER, *arguments, log=draft / "pretrain.log", environment=environment) as child:
        for metric in follow(metrics, lambda: child.poll() is None, DECODER):
            if isinstance(metric, Finished):
                return metric
            if metric.loss != metric.loss:
                raise DivergedError("The loss is not a number any more.", hint="Lower the rates in the recipe.")
            on_progress(metric)
        raise TrainingError("The pretraining process ended without a result.", hint=child.last_lines())


def _publish(draft: Path, output: Path) -> None:
    for file in draft.iterdir():
        if file.name not in {*_MODEL_FILES, "pretrain.json", "README.md"}:
            file.unlink()
    draft.chmod(0o755)
    draft.replace(output)
