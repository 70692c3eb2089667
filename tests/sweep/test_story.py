"""What is told of a sweep: on the screen, on the page, and in the plan that is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from punie.sweep.final import Fresh
from punie.sweep.folder import SweepFolder
from punie.sweep.page import best_plan, render_sweep
from punie.sweep.recipe import SweepRecipe
from punie.sweep.story import columns, ledger, sentences, to_record
from punie.sweep.sweep import Course, SweepResult, chosen
from punie.sweep.trial import Arrived, ScoreRecord, Trial, TrialRecord

HOSTILE = "Out of memory </pre><script>alert(1)</script>\nsecond line"


def sweep_recipe(**changes: Any) -> SweepRecipe:
    values = {
        "name": "mine",
        "plan": {"data": "data/mine"},
        "method": "halving",
        "settings": 4,
        "train": {"learning_rate": {"low": 1e-5, "high": 1e-3, "scale": "log"}, "mask": ["last", "none"]},
        "select": {"suite": "baseline"},
        "halving": {"first": 10, "last": 20, "factor": 2},
    }
    return SweepRecipe.model_validate({**values, **changes})


def record(recipe: SweepRecipe, trial: Trial, right: int | None, loss: float | None = None) -> TrialRecord:
    score = None
    if right is not None:
        score = ScoreRecord(right=right, counted=40, share=right / 40, low=0.1, high=0.9, effective=40)
    return TrialRecord(
        name=trial.name,
        setting=trial.setting.number,
        rung=trial.rung,
        seed=trial.seed,
        length=trial.length,
        train=trial.setting.train,
        sampling=trial.setting.sampling,
        status="failed" if right is None and loss is None else "done",
        stage="training" if right is None and loss is None else "",
        reason=HOSTILE if right is None and loss is None else "",
        valid_loss=loss,
        score=score,
        arrived=(Arrived(field="mask", asked="last", found="last"),),
        seconds=61.0,
        finished="2026-11-21T10:00:00+00:00",
    )


def result_of(tmp_path: Path, recipe: SweepRecipe, rights: dict[tuple[int, int], int | None]) -> SweepResult:
    settings = tuple(recipe.listed())
    rungs = recipe.rungs(len(settings))
    trials = {key: Trial(settings[key[0] - 1], 0, key[1], rungs[key[1]].length) for key in rights}
    records = tuple(record(recipe, trials[key], right) for key, right in rights.items())
    course = Course(rungs, records, ())
    choice = chosen(recipe, course)
    assert choice is not None
    trial = trials[choice.setting, choice.rung]
    fresh = Fresh(0.55)
    return SweepResult(recipe, SweepFolder(tmp_path), settings, ("mask",), course, choice, trial, fresh, None)


@pytest.fixture
def result(tmp_path: Path) -> SweepResult:
    rights = {(1, 0): 20, (2, 0): None, (3, 0): 28, (4, 0): 24, (3, 1): 25, (4, 1): 30}
    return result_of(tmp_path, sweep_recipe(), rights)


def test_every_trial_has_a_row(result: SweepResult) -> None:
    """Those that failed too, with the first line of the reason."""
    assert columns(result) == ["setting", "rung", "learning_rate", "mask", "dev half", "time", "became"]
    rows = ledger(result)
    assert [row[-1].partition(":")[0] for row in rows] == ["", "failed", "", "", "", "chosen"]
    assert "second line" not in rows[1][-1]
    assert rows[-1][0] == "4"
    assert rows[-1][-3] == "75.0%"


def test_the_choice_is_told_with_what_speaks_against_it(result: SweepResult) -> None:
    """Best of how many, by how much, what chance alone gives, the fresh measurement, and that nothing was tested."""
    told = " ".join(sentences(result))
    assert "Setting 4 is the best of 3: learning_rate" in told
    assert "leads the mean of the 2 that competed in the end by 6.2 points" in told
    assert "by chance. It is no more than that." in told
    assert "Measured afresh (trained with seed 1) it has 55.0%: 20.0 points less well." in told
    assert "Nothing was asked that did not choose" in told


def test_the_page_shows_every_field_and_every_rung(result: SweepResult) -> None:
    """A chart for each field, the rungs, reasons in full, and nothing a reason contains can run."""
    page = render_sweep(result)
    assert 'id="panel-learning_rate"' in page
    assert 'id="panel-mask"' in page
    assert "Rung by rung" in page
    assert "second line" in page
    assert "<script>alert" not in page


def test_the_best_plan_says_how_it_was_chosen(result: SweepResult) -> None:
    """As comments above the words that `punie train` takes."""
    text = best_plan(result)
    assert text.startswith("# Setting 4 is the best of 3")
    words = yaml.safe_load(text)
    assert words["iters"] == 20
    assert words["mask"] == result.trial.setting.train["mask"]
    assert words["adapter_path"] == "adapters/mine"


def test_the_record_holds_every_number(result: SweepResult) -> None:
    """Unrounded, trial by trial."""
    written = to_record(result)
    assert written["choice"]["gain"] > written["choice"]["lead"] == pytest.approx(0.0625)
    assert [trial["status"] for trial in written["trials"]].count("failed") == 1
