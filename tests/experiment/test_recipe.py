"""The recipe of an experiment: what every arm gets, and what is refused before anything starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from punie.errors import UsageError
from punie.experiment.loading import load_experiment
from punie.files import write_jsonl

PAPER = Path(__file__).parents[2] / "recipes" / "curriculum-paper.yaml"

WRONG: list[tuple[str, Callable[[dict[str, Any]], Any], str]] = [
    ("another kind", lambda recipe: recipe.update(kind="sweep"), "There is no experiment of kind 'sweep'."),
    ("an arm nobody has", lambda recipe: recipe["contrasts"][0].update(arm="anti"), "there is no arm anti"),
    ("shares for two phases", lambda recipe: recipe["arms"]["hybrid"].update(shares=[1, 2]), "2 shares for 3 phases"),
    ("one seed", lambda recipe: recipe.update(seeds=[1]), "at least 2 items"),
    ("a seed twice", lambda recipe: recipe.update(seeds=[1, 1]), "a seed is named twice"),
    ("no length", lambda recipe: recipe["training"].pop("iters"), "training does not say iters"),
    ("an unknown key", lambda recipe: recipe.update(repeats=3), "There is no key called 'repeats'."),
]


@pytest.mark.parametrize(("change", "message"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_wrong_recipes_are_refused(change: Callable[[dict[str, Any]], Any], message: str, tmp_path: Path) -> None:
    """A recipe that cannot be carried out is told before data are made, with its file and key."""
    recipe = yaml.safe_load(PAPER.read_text())
    change(recipe)
    (file := tmp_path / "wrong.yaml").write_text(yaml.safe_dump(recipe))
    with pytest.raises(UsageError) as refused:
        load_experiment(file)
    assert message in refused.value.what
    assert str(file) in refused.value.where


@pytest.mark.parametrize(("full", "iters"), [(False, 800), (True, 120_000)])
def test_arms_of_the_paper_learn_equally_long(full: bool, iters: int, tmp_path: Path) -> None:
    """Every arm has the same number of iterations and the same restarts as its stages, at either size."""
    recipe = load_experiment(PAPER, full=full)
    write_jsonl(tmp_path / "train.jsonl", [{"text": "a = 1"}])
    stages = {}
    for name in recipe.arms:
        plan = recipe.arm(name, 1, tmp_path).request(tmp_path, tmp_path / name, "here").plan
        assert (plan.iters, plan.seed, plan.select) == (iters, 1, "last")
        stages[name] = [(round(stage.iters * 120 / iters), stage.restart) for stage in plan.stages]
    assert stages == {
        "mixed": [(120, "none")],
        "mixed-restarts": [(25, "none"), (30, "all"), (65, "all")],
        "control": [(25, "none"), (30, "all"), (65, "all")],
        "sequential": [(40, "none"), (40, "all"), (40, "all")],
        "incremental": [(25, "none"), (30, "all"), (65, "all")],
        "hybrid": [(20, "none"), (30, "all"), (70, "all")],
    }
