"""A sweep with real trainings of the embedded model: through, killed and gone on with, and cut by its budget."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from signals import Hit

from punie.errors import UsageError
from punie.evaluation.suite import case_row, load_suite
from punie.generate.sample import write_tiny
from punie.sweep.recipe import load_sweep
from punie.sweep.sweep import SweepResult, run

pytestmark = pytest.mark.slow

PLAN = {"iters": 4, "batch_size": 4, "val_batches": -1, "probes": False, "num_layers": 1}
SETTINGS = {"learning_rate": [1e-3, 1e-4], "rank": [2, 8]}
PATIENCE = 600.0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a person stands: a folder with rows."""
    folder = tmp_path_factory.mktemp("place")
    write_tiny(folder / "data", 60, 0)
    return folder


def recipe_in(place: Path, name: str, **changes: Any) -> Path:
    values = {"plan": {"data": str(place / "data"), **PLAN}, "train": SETTINGS, "select": {"by": "valid_loss"}}
    (path := place / f"{name}.yaml").write_text(yaml.safe_dump({**values, **changes}, sort_keys=False))
    return path


def sweep_in(place: Path, name: str, **changes: Any) -> SweepResult:
    return run(load_sweep(recipe_in(place, name, **changes)), place / name, "again", lambda *_: None)


def losses(folder: Path) -> dict[str, float]:
    records = [json.loads(path.read_text()) for path in sorted(folder.glob("trials/*/trial.json"))]
    return {record["name"]: record["valid_loss"] for record in records}


@pytest.fixture(scope="module")
def whole(place: Path) -> SweepResult:
    return sweep_in(place, "whole")


def test_every_field_came_back_from_the_trainer(whole: SweepResult) -> None:
    """Four trials, and of each the values that the training child read back of the fields that change."""
    assert {"learning_rate", "rank"} <= set(whole.fields)
    for record in whole.course.records:
        back = {one.field: one.found for one in record.arrived}
        assert back["rank"] == record.train["rank"]
        assert back["learning_rate"][0] == pytest.approx(record.train["learning_rate"], rel=1e-4)
    assert len({record.valid_loss for record in whole.course.records}) == 4


def test_a_killed_sweep_goes_on_to_the_same_choice(place: Path, whole: SweepResult) -> None:
    """Killed in the middle of a training, the same command repeats no trial that had ended, and ends alike."""
    path = recipe_in(place, "killed")
    command = [sys.executable, "-m", "punie", "sweep", str(path), "--output", str(place / "killed"), "--json"]
    hit = Hit("-m punie sweep", "os.rename outcome.json 3")
    killed = subprocess.run(command, cwd=place, env={**os.environ, **hit.environment}, timeout=PATIENCE, check=False)
    assert killed.returncode == -9
    done = losses(place / "killed")
    assert list(done) == ["001-rung0-seed0", "002-rung0-seed0"]
    ended = {path: path.stat().st_mtime_ns for path in (place / "killed").glob("trials/*/trial.json")}
    again = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert again.returncode == 0, again.stderr
    assert losses(place / "killed") == losses(place / "whole")
    assert all(path.stat().st_mtime_ns == before for path, before in ended.items())
    assert json.loads(again.stdout)["setting"]["number"] == whole.choice.setting
    trained = subprocess.run(
        [sys.executable, "-m", "punie", "train", "--config", "killed/best.yaml", "--output", "adapters/best", "--json"],
        **{"cwd": place, "capture_output": True, "text": True, "timeout": PATIENCE, "check": False},
    )
    assert trained.returncode == 0, trained.stderr
    assert json.loads(trained.stdout)["valid_loss"] == pytest.approx(whole.choice.mean, rel=1e-4)


def test_a_trial_that_fails_is_a_row(place: Path) -> None:
    """The others go on, and it cannot be chosen."""
    result = sweep_in(place, "failing", train={"memory_limit": [8.0, 1e-4]})
    first, second = result.course.records
    assert (first.status, second.status, second.stage) == ("done", "failed", "training")
    assert "memory" in second.reason.lower()
    assert result.choice.setting == 1


def test_the_budget_ends_the_trials_and_not_the_sweep(place: Path) -> None:
    """What is left is named; with a larger budget the same sweep goes on, and with another file it does not."""
    cut = sweep_in(place, "budget", budget={"trials": 2})
    assert [trial.setting.number for trial in cut.course.left] == [3, 4]
    more = sweep_in(place, "budget")
    assert not more.course.left
    assert more.course.records[:2] == cut.course.records
    with pytest.raises(UsageError, match="only under its own file"):
        sweep_in(place, "budget", seeds=[4])


def test_one_training_is_asked_in_several_ways(place: Path) -> None:
    """The server's own notes prove each setting; the dev half chooses, and two are asked the test half."""
    halves = zip(load_suite("tiny").cases[:6], ("dev", "test") * 3, strict=True)
    cases = [{**case_row(case), "half": half} for case, half in halves]
    (place / "small.yaml").write_text(yaml.safe_dump({"name": "small", "max_tokens": 24, "cases": cases}))
    sampling = {"temperature": [0.0, 1.0], "repetition_penalty": 1.1}
    select = {"suite": str(place / "small.yaml"), "samples": 2}
    result = sweep_in(place, "asked", train={"rank": 4}, sampling=sampling, select=select)
    greedy, drawn = result.course.records
    assert greedy.adapter == drawn.adapter
    assert [(one.field, one.asked, one.found) for one in greedy.arrived] == [("temperature", 0.0, 0.0)]
    assert [(one.field, one.asked, one.found) for one in drawn.arrived] == [("temperature", 1.0, 1.0)]
    assert greedy.score is not None
    assert drawn.score is not None
    assert (greedy.score.counted, drawn.score.counted) == (3, 6)
    asked = {path.parent.parent.name: json.loads(path.read_text()) for path in place.glob("asked/*/*/run.json")}
    assert {name: run["suites"][0]["half"] for name, run in asked.items()} == {"test": "test", "fresh": "dev"}
    assert result.test is not None
    assert result.test.overall.before.counted == 3 * (2 if result.choice.setting == 2 else 1)


def test_halving_trains_the_better_half_for_longer(place: Path) -> None:
    """The settings of the second rung are the best of the first, and it alone is chosen from."""
    halving = {"first": 2, "last": 4, "factor": 2}
    plan = {"data": str(place / "data"), **{key: value for key, value in PLAN.items() if key != "iters"}}
    result = sweep_in(place, "halved", plan=plan, method="halving", settings=4, halving=halving)
    first = sorted((one.valid_loss, one.setting) for one in result.course.records if one.rung == 0)
    second = {one.setting for one in result.course.records if one.rung == 1}
    assert second == {setting for _, setting in first[:2]}
    assert result.choice.rung == 1
