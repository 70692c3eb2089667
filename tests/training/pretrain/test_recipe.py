"""Recipes: one file that decides everything, refused where it could not work."""

from __future__ import annotations

from pathlib import Path

import pytest

from punie.errors import UsageError
from punie.training.pretrain.model_recipe import read_recipe
from punie.training.pretrain.recipe import SMALLEST_VOCABULARY, Induction, Recipe, Shape, load_recipe
from punie.training.pretrain.tokenizer import SPECIAL

RECIPES = Path(__file__).parents[3] / "recipes"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "(top)"),
        ("- a\n- b", "(top)"),
        ("name: a", "steps"),
        ("steps: 3", "name"),
        ("{name: a/b, steps: 3}", "name"),
        ("{name: a, steps: 0}", "steps"),
        ("{name: a, steps: three}", "steps"),
        ("{name: a, steps: 3, setps: 3}", "setps"),
        ("{name: a, steps: 3, rows: 5}", "rows"),
        ("{name: a, steps: 3, length: 5000}", "length"),
        ("{name: a, steps: 3, decay_from: 1.0}", "decay_from"),
        ("{name: a, steps: 3, matrix_rate: 0}", "matrix_rate"),
        ("{name: a, steps: 3, vector_rate: .nan}", "vector_rate"),
        ("{name: a, steps: 3, final_rate: 2}", "final_rate"),
        ("{name: a, steps: 3, induction: {length: 8}}", "induction.length"),
        ("{name: a, steps: 3, induction: {rows: 3}}", "induction.rows"),
        ("{name: a, steps: 3, shape: {heads: 3}}", "shape"),
        ("{name: a, steps: 3, shape: {width: 64, heads: 8}}", "shape"),
        ("{name: a, steps: 3, shape: {vocabulary: 260}}", "shape.vocabulary"),
    ],
)
def test_an_error_names_its_key(tmp_path: Path, text: str, key: str) -> None:
    """What is missing, mistyped, unknown or cannot work is found before anything starts."""
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_recipe(path)
    assert caught.value.where == f"{path}, key {key}"


def test_what_is_no_yaml_is_named(tmp_path: Path) -> None:
    """A broken file is the user's to correct, and so is one that is not there."""
    (tmp_path / "recipe.yaml").write_text("{name: a")
    with pytest.raises(UsageError, match="Not valid YAML"):
        load_recipe(tmp_path / "recipe.yaml")
    with pytest.raises(UsageError, match="does not exist"):
        load_recipe(tmp_path / "nothing.yaml")


def test_a_recipe_survives_being_written(tmp_path: Path) -> None:
    """The child reads back exactly the recipe that was read from the user's file."""
    recipe = Recipe(name="a", steps=3, shape=Shape(layers=1), induction=Induction(steps=0), matrix_rate=1e-7)
    (tmp_path / "recipe.yaml").write_text(recipe.to_yaml())
    assert load_recipe(tmp_path / "recipe.yaml") == recipe


@pytest.mark.parametrize("name", ["tiny", "pretrain-tinypy"])
def test_recipes_in_the_repository_can_be_cooked(name: str) -> None:
    """Each is complete, and named as its file."""
    assert read_recipe(RECIPES / f"{name}.yaml").name == name


def test_the_smallest_vocabulary_holds_bytes_and_marks() -> None:
    """Any text can be written with the least that a recipe may ask for."""
    assert len(SPECIAL) + 256 == SMALLEST_VOCABULARY
