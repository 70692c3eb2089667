"""The embedded model is the one its card tells of."""

from __future__ import annotations

from pathlib import Path

import pytest

import punie
from punie.files import hash_file, read_json
from punie.training.pretrain.card import ModelCard
from punie.training.pretrain.recipe import load_recipe

EMBEDDED = Path(punie.__file__).parent / "models" / "tiny"
RECIPE = Path(__file__).parents[3] / "recipes" / "tiny.yaml"


@pytest.fixture(scope="module")
def card() -> ModelCard:
    if not EMBEDDED.is_dir():
        pytest.skip("the embedded model is not in this checkout")
    return ModelCard.model_validate(read_json(EMBEDDED / "pretrain.json"))


def test_the_embedded_files_are_those_of_the_card(card: ModelCard) -> None:
    """Neither weights nor tokenizer were exchanged after they were measured."""
    assert card.weights_sha256 == hash_file(EMBEDDED / "model.safetensors")
    assert card.tokenizer_sha256 == hash_file(EMBEDDED / "tokenizer.json")


def test_the_embedded_model_has_its_recipe_here(card: ModelCard) -> None:
    """Whoever cooks the recipe in the repository makes this model."""
    assert load_recipe(RECIPE).model_dump() == card.recipe


def test_a_card_states_its_own_numbers() -> None:
    """What people read comes from the record, not from the embedded model."""
    recipe = load_recipe(RECIPE).model_dump()
    card = ModelCard(
        name="other",
        parameters=1_234_567,
        tokens=8,
        train_loss=1.5,
        valid_loss=1.25,
        seconds=90,
        weights_sha256="ab",
        tokenizer_sha256="cd",
        versions={"mlx": "1.2"},
        recipe={**recipe, "shape": {**recipe["shape"], "vocabulary": 2048}},
    )
    text = card.to_markdown()
    told = ("# other", "1,234,567", "1.2500", "1.5 min", "sha256:ab", "mlx 1.2", "2,048 entries", "recipes/other.yaml")
    assert not [fact for fact in told if fact not in text]
