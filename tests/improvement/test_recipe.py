"""Recipes of self-improvement: what is refused before anything is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from punie.errors import UsageError
from punie.improvement.recipe import load_improvement

RECIPES = Path(__file__).parents[2] / "recipes"
LEAST = {"name": "mine", "tasks": "tasks.jsonl", "suite": "suite.yaml"}


def written(folder: Path, values: dict[str, Any]) -> Path:
    (path := folder / "recipe.yaml").write_text(yaml.safe_dump(values))
    return path


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"patiense": 2}, "did you mean 'patience'"),
        ({"suite": None}, "suite"),
        ({"rise": "faster"}, "rise"),
        ({"temperature": 0}, "temperature"),
        ({"replay_share": 0.5}, "replay_share needs replay"),
        ({"training": {"data": "elsewhere"}}, "training cannot say data"),
        ({"training": {"lerning_rate": 1e-3}}, "learning_rate"),
        ({"training": {"iters": 0}}, "iters"),
    ],
)
def test_what_cannot_be_is_refused(values: dict[str, Any], complaint: str, tmp_path: Path) -> None:
    """A wrong key or value is named, and what was meant."""
    with pytest.raises(UsageError, match=complaint):
        load_improvement(written(tmp_path, {**LEAST, **values}))


def test_each_round_goes_on_from_the_adapter_so_far_with_a_seed_of_its_own(tmp_path: Path) -> None:
    """The plan of a round has its own folders and seed, and the recipe's words for all else."""
    recipe = load_improvement(written(tmp_path, {**LEAST, "seed": 7, "training": {"iters": 5}}))
    first, second = (
        recipe.plan(number, Path("rows"), so_far, Path(f"round-{number}"))
        for number, so_far in ((1, None), (2, Path("round-1")))
    )
    assert (first.resume_from, first.seed, first.iters) == (None, 8, 5)
    assert (second.resume_from, second.seed, second.adapter_path) == ("round-1", 9, "round-2")


def test_the_recipe_that_comes_along_is_one() -> None:
    """It can be read, and its suites are there."""
    recipe = load_improvement(RECIPES / "self-improvement.yaml")
    assert all((RECIPES.parent / path).is_file() for path in (recipe.tasks, recipe.suite))
