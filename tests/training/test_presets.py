"""Defaults for models we know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from punie.training.presets import cautious, preset
from punie.training.request import parse_plan


@pytest.mark.parametrize("iters", [None, 1, 2, 10, 15, 29, 150, 1000])
def test_the_embedded_model_has_a_sound_plan_for_every_length(tiny_model: Path, iters: int | None) -> None:
    """However few iterations the user wants, the settings around them still make a plan."""
    plan = parse_plan({**preset(tiny_model, iters), "model": "tiny", "data": "d", "adapter_path": "a"}, where="test")
    assert plan.iters == (iters or 150)
    assert plan.save_every <= plan.iters


def test_other_models_get_nothing_unasked(tmp_path: Path) -> None:
    """A model we do not know is trained with mlx-lm's defaults and what the user gives."""
    assert preset(tmp_path) == {}


@pytest.mark.parametrize(
    ("config", "layers"),
    [({"num_hidden_layers": 4}, 4), ({"num_hidden_layers": 40}, 16), ({"text_config": {"num_hidden_layers": 8}}, 8)],
)
def test_a_cautious_run_trains_no_layer_that_is_not_there(tmp_path: Path, config: dict, layers: int) -> None:
    """The quickstart works with a model of any depth."""
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert cautious(tmp_path)["num_layers"] == layers
