"""The two recipes after published experiments say what those said."""

from __future__ import annotations

from pathlib import Path

import pytest

from punie.evaluation.suite import load_suite
from punie.experiment.chain.recipe import ChainExperiment
from punie.experiment.loading import load_experiment

RECIPES = Path(__file__).parents[2] / "recipes"


def read(name: str, *, full: bool = False) -> ChainExperiment:
    recipe = load_experiment(RECIPES / name, full=full)
    assert isinstance(recipe, ChainExperiment)
    return recipe


def test_the_baseline_learns_sixty_traces_and_asks_fifty_five_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eleven types at five levels, one each; rank 16 and alpha 32; the tables of the experiment stand beside."""
    monkeypatch.chdir(RECIPES.parent)
    recipe = read("sft-baseline.yaml")
    assert recipe.evaluate is not None
    suite = load_suite(recipe.evaluate.suites[0])
    assert len(suite.cases) == 55
    assert suite.published is not None
    assert set(suite.published.rows["category"]) == {case.category for case in suite.cases}
    assert suite.draw is not None
    assert suite.draw.seed == 999
    assert recipe.train is not None
    assert {"rank": 16, "alpha": 32, "epochs": 3}.items() <= recipe.train.items()


def test_the_mini_benchmark_is_asked_whole_and_chooses_nothing() -> None:
    """Twenty functions, after training whose scores on the way do not select; the plan's length with --full."""
    recipe, full = read("humaneval-mini.yaml"), read("humaneval-mini.yaml", full=True)
    plan = recipe.plan("rows", "adapter", "here")
    assert (plan.select, plan.score_suite, plan.rank, plan.scale) == ("last", "humaneval-mini", 8, 2.0)
    assert recipe.evaluate is not None
    assert recipe.evaluate.half == "all"
    assert (full.train or {})["iters"] == 10_000
