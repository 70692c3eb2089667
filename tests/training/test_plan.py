"""Plans: mlx-lm's words and defaults, and nothing that would be ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from punie.errors import UsageError
from punie.training.optimizer import OPTION_NAMES, OPTIONS
from punie.training.plan import OURS, TrainingPlan
from punie.training.request import load_plan, parse_plan

SCHEDULE = {"schedule", "warmup", "initial_learning_rate", "final_learning_rate", "decay"}
PATHS = {"model": "m", "data": "d", "adapter_path": "a"}


def plan(**knobs: object) -> TrainingPlan:
    return parse_plan({**PATHS, **knobs}, where="here")


def test_words_and_defaults_are_those_of_mlx_lm() -> None:
    """What `mlx_lm lora` calls a thing and what it takes when nothing is said, a plan does too."""
    from mlx_lm.lora import CONFIG_DEFAULTS, build_parser

    lora = CONFIG_DEFAULTS["lora_parameters"]
    defaults = plan().model_dump()
    ours = {key: value for key, value in defaults.items() if key not in PATHS}
    theirs = {key: value for key, value in {**CONFIG_DEFAULTS, **lora}.items() if key in ours}
    flags = {action.dest for action in build_parser()._actions}

    assert {key: ours[key] for key in theirs} == theirs
    assert set(ours) - set(theirs) == SCHEDULE | set(OPTION_NAMES) | OURS | {"keys"}
    assert set(defaults) - flags == {"rank", "scale", "dropout"} | (set(ours) - set(theirs))


def test_the_nested_form_has_only_keys_mlx_lm_knows() -> None:
    """adapter_config.json is written in mlx-lm's own vocabulary."""
    from mlx_lm.lora import CONFIG_DEFAULTS

    assert set(plan().to_mlx_lm()) <= set(CONFIG_DEFAULTS)


def test_options_left_out_are_those_of_mlx() -> None:
    """The table of options has each that an optimizer takes, with the value it takes by itself."""
    from mlx import optimizers

    for name, kind in {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD", "muon": "Muon"}.items():
        optimizer = getattr(optimizers, kind)(learning_rate=0.1)
        found = {name: getattr(optimizer, name) for name in OPTION_NAMES if hasattr(optimizer, name)}
        assert found == {key: list(value) if key == "betas" else value for key, value in OPTIONS[name].items()}


@pytest.mark.parametrize(
    ("knobs", "complaint"),
    [
        ({"iters": 0}, "iters"),
        ({"learning_rate": "fast"}, "learning_rate"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"learning_rate": 0}, "learning_rate is 0, which trains nothing"),
        ({"learning_rate": 1e5, "optimizer": "adamw"}, "destroys the model"),
        ({"optimizer": "adafactor"}, "'adam', 'adamw', 'sgd' or 'muon'"),
        ({"betas": [0.9, 1.0], "optimizer": "adam"}, "betas"),
        ({"momentum": 0.9}, "momentum does nothing with optimizer adam; use sgd, muon"),
        ({"optimizer": "sgd", "nesterov": True}, "nesterov needs a momentum"),
        ({"keys": []}, "keys is empty"),
        ({"initial_learning_rate": 1e-6}, "does nothing without warmup"),
        ({"decay": 10}, "decay does nothing"),
        ({"dropout": 1.0}, "dropout"),
        ({"num_layers": 0}, "num_layers is 0"),
        ({"num_layers": -2}, "num_layers"),
        ({"val_batches": 0}, "val_batches is 0"),
        ({"iters": 10, "grad_accumulation_steps": 4}, "multiple of grad_accumulation_steps"),
        ({"final_learning_rate": 1e-6}, "final_learning_rate does nothing"),
        ({"schedule": "linear", "final_learning_rate": 1.0}, "above learning_rate"),
        ({"iters": 10, "warmup": 10}, "warmup leaves nothing"),
        ({"weight_decay": 0.1}, "weight_decay does nothing with optimizer adam"),
        ({"fine_tune_type": "full", "rank": 4}, "do nothing with fine_tune_type full"),
        ({"engine": "mlx-lm", "mask": "assistant"}, "use engine punie"),
        ({"model": ""}, "model"),
        ({"score_suite": "baseline"}, "needs score_every"),
        ({"score_every": 10}, "score_every does nothing"),
        ({"score_cases": 10}, "score_cases does nothing"),
        ({"select": "score"}, "select score needs score_suite"),
        ({"score_suite": "a", "score_every": 3, "iters": 4, "grad_accumulation_steps": 2}, "between two updates"),
        ({"score_suite": "a", "score_every": 3, "select": "score", "patience": 1, "min_delta": 1}, "never be gained"),
    ],
)
def test_a_value_that_cannot_work_is_refused_by_name(knobs: dict, complaint: str) -> None:
    """No plan holds a value that breaks the run, or a knob that would turn nothing."""
    with pytest.raises(UsageError, match=complaint):
        plan(**knobs)


def test_a_plan_survives_its_file(tmp_path: Path) -> None:
    """What is written beside an adapter is the plan, to the last digit."""
    original = plan(schedule="cosine", learning_rate=1e-5, warmup=3, optimizer="adamw", seed=2**40)
    (tmp_path / "plan.yaml").write_text(original.to_yaml())
    assert load_plan(tmp_path / "plan.yaml") == original


def test_the_rate_rises_then_falls_to_its_floor() -> None:
    """Warm-up begins at 0 and reaches the highest rate; the very last update has the final one."""
    schedule = plan(iters=150, schedule="cosine", learning_rate=1e-3, warmup=10, final_learning_rate=3e-5)
    assert schedule.rates.rate_at(0) == 0
    assert schedule.rates.rate_at(5) == pytest.approx(5e-4)
    assert schedule.rates.rate_at(10) == pytest.approx(1e-3)
    assert schedule.rates.rate_at(149) == pytest.approx(3e-5)
