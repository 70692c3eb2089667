"""From what a user wrote to a plan: layers, epochs and ratios, and whole configurations of mlx-lm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from punie.errors import DataError, UsageError
from punie.training.request import Layer, Request, load_plan, parse_plan, parse_setting, read_values, requested_plan

PATHS = {"model": "m", "adapter_path": "a"}


@pytest.fixture
def thirty(tmp_path: Path) -> str:
    """A data folder with 30 rows, the last without an end of line."""
    (tmp_path / "train.jsonl").write_text("\n".join(["{}"] * 30))
    return str(tmp_path)


def asked(*layers: dict[str, Any], defaults: dict[str, Any] | None = None) -> Request:
    named = [Layer(values, f"layer {number}") for number, values in enumerate([{**PATHS, "data": "d"}, *layers])]
    return requested_plan(*named, defaults=lambda _: defaults or {})


@pytest.mark.parametrize(
    ("knobs", "iters"),
    [
        ({"epochs": 1}, 8),
        ({"epochs": 2}, 15),
        ({"epochs": 0.1}, 1),
        ({"epochs": 2, "grad_accumulation_steps": 4}, 16),
        ({"num_train_epochs": 3, "batch_size": 10}, 9),
        ({"epochs": 2, "iters": 15}, 15),
        ({"max_steps": 5, "gradient_accumulation_steps": 3}, 15),
    ],
)
def test_passes_and_updates_become_iterations(thirty: str, knobs: dict, iters: int) -> None:
    """Rounded up, to whole updates: no row is seen less often than was asked."""
    request = asked({"data": thirty, **knobs})
    assert request.plan.iters == iters
    assert any(f"iters {iters}" in note for note in request.notes)


def test_a_resolved_plan_with_epochs_can_be_read_and_used_again(thirty: str, tmp_path: Path) -> None:
    """It has both the iterations and the epochs they come from, and asks for the same run."""
    plan = asked({"data": thirty, "epochs": 2}).plan
    (tmp_path / "plan.yaml").write_text(plan.to_yaml())
    assert load_plan(tmp_path / "plan.yaml") == asked(read_values(tmp_path / "plan.yaml")).plan == plan
    assert (plan.iters, plan.epochs) == (15, 2)
    with pytest.raises(UsageError, match="makes iters 15, but iters is 14"):
        asked({**plan.model_dump(), "iters": 14})


def test_alpha_and_ratios_depend_on_what_the_other_layers_say(thirty: str) -> None:
    """They are worked out last, from the rank and the length that hold, and win over what they stand for below."""
    request = asked(
        {"rank": 16, "lora_alpha": 32, "warmup_ratio": 0.1},
        {"rank": 8, "iters": 95},
        defaults={"scale": 20.0, "warmup": 3},
    )
    assert (request.plan.scale, request.plan.warmup) == (4.0, 10)
    assert {"alpha 32 with rank 8: scale 4", "warmup_ratio 0.1 of 95 updates: warmup 10"} <= set(request.notes)
    assert asked({"alpha": 32}, {"scale": 3.0}).plan.scale == 3.0
    assert asked({"warmup_ratio": 0.0}).plan.warmup == 0
    with pytest.raises(UsageError, match="makes scale 4, but scale is 2"):
        asked({"alpha": 32, "scale": 2.0})


def test_a_rhythm_in_updates_becomes_one_in_batches() -> None:
    """Hugging Face counts updates; how many batches they have may be said elsewhere."""
    theirs = {"logging_steps": 5, "eval_steps": 50, "save_steps": 100}
    plan = asked(theirs, {"grad_accumulation_steps": 2}, defaults={"save_every": 7}).plan
    assert (plan.steps_per_report, plan.steps_per_eval, plan.save_every) == (10, 100, 200)
    assert asked(theirs, {"save_every": 30}).plan.save_every == 30
    with pytest.raises(UsageError, match="makes save_every 100, but save_every is 30"):
        asked({**theirs, "save_every": 30})
    with pytest.raises(UsageError, match="eval_updates is not a number above 0"):
        asked({"eval_steps": 0})


def test_a_default_that_fits_another_default_goes_with_it() -> None:
    """Choosing another schedule, optimizer or kind of tuning is not refused for the sake of what nobody said."""
    defaults = {"schedule": "cosine", "final_learning_rate": 1e-6, "optimizer": "adamw", "weight_decay": 0.1, "rank": 4}
    plan = asked({"schedule": "constant", "optimizer": "adam", "fine_tune_type": "full"}, defaults=defaults).plan
    assert (plan.final_learning_rate, plan.weight_decay, plan.rank) == (0, None, 8)


@pytest.mark.parametrize(
    ("knobs", "complaint"),
    [
        ({"epochs": 0}, "epochs is not a number above 0"),
        ({"epochs": "two"}, "epochs is not a number"),
        ({"batch_size": 2.5, "epochs": 1}, "batch_size is not a whole number"),
        ({"max_steps": 5, "iters": 6}, "makes iters 5, but iters is 6"),
        ({"alpha": 4, "rank": 0}, "rank is not a number above 0"),
        ({"warmup_ratio": 1.0, "iters": 10}, "warmup leaves nothing"),
        ({"epochs": 1}, "no train.jsonl"),
    ],
)
def test_what_cannot_be_worked_out_is_refused(knobs: dict, complaint: str) -> None:
    """With the word that somebody used."""
    with pytest.raises(UsageError, match=complaint):
        asked(knobs)


def test_epochs_of_no_rows_are_bad_data(tmp_path: Path) -> None:
    """There is nothing to count."""
    (tmp_path / "train.jsonl").touch()
    with pytest.raises(DataError, match="no rows"):
        asked({"data": str(tmp_path), "epochs": 1})


def test_a_whole_configuration_of_mlx_lm_is_a_plan() -> None:
    """Its defaults, blocks included, ask for the run that a plan without options is; and our form of it comes back."""
    from mlx_lm.lora import CONFIG_DEFAULTS

    assert parse_plan({**CONFIG_DEFAULTS, **PATHS, "data": "d", "train": True}, where="config") == asked().plan
    knobs = {"schedule": "linear", "learning_rate": 1e-4, "final_learning_rate": 1e-6, "warmup": 5, "keys": ["q"]}
    plan = asked({**knobs, "optimizer": "muon", "momentum": 0.9, "mask": "last"}).plan
    again = parse_plan(plan.to_mlx_lm(), where="adapter_config.json")
    assert again.to_mlx_lm() == plan.to_mlx_lm()


def test_a_setting_is_yaml() -> None:
    """Lists and numbers arrive as such."""
    assert [parse_setting(text) for text in ("betas=[0.9, 0.95]", "lr=1e-5", "keys=null")] == [
        {"betas": [0.9, 0.95]},
        {"lr": 1e-5},
        {"keys": None},
    ]
    with pytest.raises(UsageError, match="--set"):
        parse_setting("betas=[")


def test_numbers_without_a_point_in_the_exponent_are_numbers(tmp_path: Path) -> None:
    """`1e-5` in a file means what it means in mlx-lm, though YAML takes it for text."""
    (tmp_path / "plan.yaml").write_text("learning_rate: 2e-5")
    assert read_values(tmp_path / "plan.yaml") == {"learning_rate": 2e-5}


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", "just words"])
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    """The error names the file."""
    (tmp_path / "plan.yaml").write_text(text)
    with pytest.raises(UsageError, match=r"plan\.yaml"):
        load_plan(tmp_path / "plan.yaml")
