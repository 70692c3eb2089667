"""The experiment about curricula, carried out small: real models, real measuring, one report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from punie.errors import UsageError
from punie.experiment.curriculum import run
from punie.experiment.loading import load_experiment

PAPER = Path(__file__).parents[2] / "recipes" / "curriculum-paper.yaml"

pytestmark = pytest.mark.slow


def test_an_experiment_goes_on_where_it_was(tmp_path: Path) -> None:
    """Every arm learns with every seed; a run that is whole is not made again, and the report has the same figures."""
    values = yaml.safe_load(PAPER.read_text())
    values["model"].update(n_layer=1, n_head=2, n_embd=16)
    values["programs"]["count"], values["training"]["iters"], values["training"]["warmup"] = 600, 12, 0
    values["seeds"] = [1, 2]
    values["arms"] = {name: values["arms"][name] for name in ("mixed", "hybrid")}
    values["contrasts"] = values["contrasts"][:1]
    (recipe := tmp_path / "recipe.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    asked, folder, news = load_experiment(recipe), tmp_path / "made", list[str]()
    first = run(asked, folder, "again", lambda what, metric: news.append(what) if metric is None else None)
    trained = [what for what in news if what.endswith(": training")]
    assert trained == [f"{arm}, seed {seed}: training" for seed in (1, 2) for arm in ("mixed", "hybrid")]
    assert [arm.name for arm in first.arms] == ["mixed", "hybrid"]
    assert all(sum(arm.shown.values()) == 12 * 8 for arm in first.arms)
    report = (folder / "report.md").read_text()
    assert "| the paper's claim | hybrid - mixed |" in report
    assert "79.23" in report

    (folder / "runs" / "mixed-2" / "measured.jsonl").unlink()
    news.clear()
    again = run(asked, folder, "again", lambda what, metric: news.append(what) if metric is None else None)
    assert news == ["mixed, seed 2: training", "mixed, seed 2: measuring"]
    assert again == first
    assert (folder / "report.md").read_text() == report
    assert json.loads((folder / "figures.json").read_text())["contrasts"][0]["verdict"] == "cannot tell"

    values["training"]["iters"] = 24
    recipe.write_text(yaml.safe_dump(values, sort_keys=False))
    with pytest.raises(UsageError, match="only under its own recipe"):
        run(load_experiment(recipe), folder, "again", lambda what, metric: None)
