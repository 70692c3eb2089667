"""Recipes for a model of one's own: refused with the key where they could not work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from punie.errors import UsageError
from punie.training.pretrain.model_recipe import ModelRecipe, load_model_recipe, read_recipe
from punie.training.pretrain.recipe import Recipe

RECIPES = Path(__file__).parents[3] / "recipes"
GPT = {"model_type": "gpt2", "n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": 32}
VALUES: dict[str, Any] = {
    "name": "small",
    "model": GPT,
    "tokenizer": {"kind": "characters"},
    "training": {"data": "data/mine", "iters": 3},
}


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump({**VALUES, **changes}))
    return path


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"tokenizer": {"kind": "bytes"}}, "bytes need a size"),
        ({"tokenizer": {"kind": "characters", "size": 400}}, "bytes need a size"),
        ({"tokenizer": {"kind": "bytes", "size": 100}}, "261"),
        ({"model": {"n_positions": 32}}, "model_type"),
        ({"model": {**GPT, "vocab_size": 9}}, "vocab_size"),
        ({"model": {"model_type": "gpt2"}}, "n_positions"),
        ({"training": {"data": "d", "iters": 3, "fine_tune_type": "lora"}}, "fine_tune_type"),
        ({"training": {"data": "d", "iters": 3, "seed": 1}}, "seed"),
        ({"first_weights": {"std": 0}}, "greater than 0"),
        ({"steps": 3}, "Extra inputs"),
    ],
)
def test_a_recipe_that_could_not_work_is_refused(tmp_path: Path, changes: dict[str, Any], complaint: str) -> None:
    """What is missing, contradicts itself or is decided elsewhere is found before anything starts."""
    with pytest.raises(UsageError, match=complaint) as caught:
        load_model_recipe(written(tmp_path, **changes))
    assert caught.value.where.startswith(f"{tmp_path / 'small.yaml'}, key ")


def test_the_plan_trains_every_weight_within_the_models_positions(tmp_path: Path) -> None:
    """A pretraining is a full training of the whole model; rows are as long as it has positions."""
    plan = load_model_recipe(written(tmp_path)).request(Path("start"), Path("training"), "small.yaml").plan
    assert (plan.fine_tune_type, plan.num_layers, plan.whole_model, plan.max_seq_length) == ("full", -1, True, 32)


def test_more_tokens_than_positions_are_refused(tmp_path: Path) -> None:
    """A learned position beyond the last would be read from beside the table."""
    recipe = load_model_recipe(written(tmp_path, training={"data": "d", "iters": 3, "max_seq_length": 33}))
    with pytest.raises(UsageError, match="33 is more than the model's 32 positions"):
        recipe.request(Path("start"), Path("training"), "small.yaml")


def test_the_key_model_tells_the_two_kinds_apart(tmp_path: Path) -> None:
    """The embedded model's recipe stays what it is."""
    assert isinstance(read_recipe(written(tmp_path)), ModelRecipe)
    assert isinstance(read_recipe(RECIPES / "tiny.yaml"), Recipe)


def test_a_recipe_survives_being_written(tmp_path: Path) -> None:
    """What lies beside the model is the recipe that made it."""
    recipe = load_model_recipe(written(tmp_path, first_weights={"std": 1e-3}))
    (tmp_path / "again.yaml").write_text(recipe.to_yaml())
    assert load_model_recipe(tmp_path / "again.yaml") == recipe
