"""What a sweep file may say, and what of its plans is found before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from punie.errors import UsageError
from punie.files import write_jsonl
from punie.sweep.folder import SweepFolder
from punie.sweep.plans import Workshop
from punie.sweep.recipe import SweepRecipe, load_sweep
from punie.sweep.trial import Trial
from punie.training.plan import TrainingPlan
from punie.training.presets import model_preset
from punie.training.request import Layer, read_values, requested_plan

LOSS = {"by": "valid_loss"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("data")
    write_jsonl(folder / "train.jsonl", [{"text": f"row {number}"} for number in range(8)])
    write_jsonl(folder / "valid.jsonl", [{"text": f"other {number}"} for number in range(4)])
    return str(folder)


def recipe(tmp_path: Path, **values: Any) -> SweepRecipe:
    (path := tmp_path / "mine.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    return load_sweep(path)


def workshop(tmp_path: Path, **values: Any) -> Workshop:
    asked = recipe(tmp_path, **values)
    return Workshop(asked, SweepFolder(tmp_path / "made"), tuple(asked.listed()))


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"model": "tiny", "plan": {}}, "either a plan"),
        ({"model": "tiny", "sampling": {"temperature": [0, 1]}, "select": {}}, "a score needs a suite"),
        ({"model": "tiny", "sampling": {"temperatur": [0, 1]}}, "Did you mean temperature"),
        ({"plan": {}, "train": {"rank": 8}}, "no field has more than one value"),
        ({"plan": {}, "train": {"rank": [4, 8]}, "halvin": {}}, "Did you mean halving"),
        ({"plan": {}, "train": {"rank": [4, 8]}, "method": "random"}, "settings says how many"),
        ({"plan": {}, "train": {"rank": {"low": 4, "high": 8}}}, "needs steps"),
        ({"plan": {}, "train": {"seed": [1, 2]}}, "use seeds"),
        ({"plan": {"adapter_path": "x"}, "train": {"rank": [4, 8]}}, "folder of its own"),
        ({"plan": {}, "train": {"rank": [4, 8]}, "seeds": [1, 1]}, "named twice"),
        ({"plan": {}, "train": {"rank": [4, 8, 4]}}, "names a value twice"),
        ({"model": "tiny", "sampling": {"temperature": [0.5, "hot"]}}, "valid number"),
        ({"model": "tiny", "sampling": {"temperature": {"low": -1, "high": 1, "steps": 3}}}, "greater than"),
        ({"plan": {}, "train": {"rank": [4, 8]}, "method": "halving", "settings": 2}, "go together"),
        ({"plan": {}, "sampling": {"top_p": [0.8, 0.9]}, "select": LOSS}, "does not depend on sampling"),
        ({"model": "tiny", "sampling": {"top_p": [0.8, 0.9]}, "select": LOSS}, "need a plan"),
    ],
)
def test_a_file_that_makes_no_sweep_is_refused(tmp_path: Path, values: dict[str, Any], why: str) -> None:
    """With one sentence on what is wrong, or the key that was meant."""
    with pytest.raises(UsageError) as refused:
        recipe(tmp_path, **{"select": {"suite": "baseline"}, **values})
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"train": {"ranc": [4, 8]}}, "Did you mean rank"),
        ({"train": {"rank": [4, 0]}}, "rank is not usable"),
        ({"train": {"learning_rate": [1e-3, "fast"]}}, "learning_rate is not usable"),
        ({"train": {"fine_tune_type": ["full", "dora"], "rank": [4, 8]}}, "contradicts itself"),
        ({"train": {"mask": ["none", "last"]}, "select": LOSS}, "not of the same tokens"),
        ({"train": {"batch_size": [2, 4]}, "select": LOSS}, "val_batches to -1"),
        ({"train": {"epochs": [1, 2], "rank": [4, 8]}}, "come to the same plan"),
        ({"train": {"model": ["tiny", "tny"]}}, "no model called"),
        ({"train": {"rank": [4, 8]}, "sampling": {"top_p": 0.9}}, "top-p does nothing"),
        ({"train": {"rank": [4, 8]}, "sampling": {"top_k": [0, 20]}}, "top-k does nothing"),
        ({"train": {"rank": [4, 8]}, "select": {"suite": "tni"}}, "no suite called"),
    ],
)
def test_a_setting_that_cannot_be_had_is_found_before_anything_starts(
    tmp_path: Path, data: str, values: dict[str, Any], why: str
) -> None:
    """Every plan is made and checked by the plan's own model, and every question by the evaluation's."""
    with pytest.raises(UsageError) as refused:
        workshop(tmp_path, **{"plan": {"data": data}, "select": {"suite": "baseline"}, **values}).check()
    assert why in str(refused.value)


def test_the_fields_that_change_are_those_of_the_plan(tmp_path: Path, data: str) -> None:
    """Words that a plan turns into others are held by what they became."""
    changes = {"alpha": [8, 16], "epochs": [1, 2]}
    asked = workshop(tmp_path, plan={"data": data, "batch_size": 2}, train=changes, select=LOSS)
    assert set(asked.check()) >= {"scale", "iters"}


def test_the_best_plan_is_the_plan_of_its_trials(tmp_path: Path, data: str) -> None:
    """What is written for `punie train` comes to the same plan, but for the folder."""
    values = {"plan": {"data": data, "warmup_ratio": 0.1}, "train": {"alpha": [8, 16], "optimizer": "adamw"}}
    halving = {"field": "iters", "first": 10, "last": 40, "factor": 2}
    asked = workshop(tmp_path, **values, method="halving", settings=2, halving=halving, select=LOSS)
    asked.check()
    trial = Trial(asked.settings[1], asked.recipe.seeds[0], 2, 40)
    plan = asked.plan(trial)
    assert plan is not None
    (written := tmp_path / "best.yaml").write_text(yaml.safe_dump(asked.best_words(trial.setting, trial.length)))
    again = requested_plan(Layer(read_values(written), "best.yaml"), defaults=with_model).plan
    assert (plan.iters, plan.optimizer) == (40, "adamw")
    assert unlike(plan, again) == {"adapter_path"}


def with_model(values: Any) -> Any:
    return {"model": "tiny", **model_preset({"model": "tiny", **values})}


def unlike(one: TrainingPlan, other: TrainingPlan) -> set[str]:
    return {key for key, value in one.model_dump().items() if other.model_dump()[key] != value}


def test_settings_that_train_alike_share_an_adapter(tmp_path: Path, data: str) -> None:
    """Sampling is asked of one training, not of one for each temperature."""
    values = {"train": {"rank": [4, 8]}, "sampling": {"temperature": [0.0, 0.7]}, "select": {"suite": "baseline"}}
    asked = workshop(tmp_path, plan={"data": data}, **values)
    names = [asked.adapter_name(Trial(setting, 0)) for setting in asked.settings]
    assert names == ["001-rung0-seed0"] * 2 + ["003-rung0-seed0"] * 2


def test_a_model_in_the_words_of_others_is_the_one_that_is_asked(tmp_path: Path, data: str, tiny_model: Path) -> None:
    """Whatever a plan calls it, training, questions and the record of inputs mean the same model."""
    plan = {"data": data, "base_model": str(tiny_model)}
    asked = workshop(tmp_path, plan=plan, train={"rank": [4, 8]}, select={"suite": "baseline"})
    questions = asked.questions(asked.settings[0], "dev", tmp_path / "dev", None)
    assert questions.model == tiny_model
    assert set(asked.inputs()) == {f"model {tiny_model}", f"data {data}", "suite baseline"}
