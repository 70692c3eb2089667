"""Defaults for models we know."""

from __future__ import annotations

from pathlib import Path

import pytest

from punie.training.plan import parse_plan
from punie.training.presets import preset


@pytest.mark.parametrize("iters", [None, 1, 2, 10, 15, 29, 150, 1000])
def test_the_embedded_model_has_a_sound_plan_for_every_length(tiny_model: Path, iters: int | None) -> None:
    """However few iterations the user wants, the settings around them still make a plan."""
    plan = parse_plan({**preset(tiny_model, iters), "model": "tiny", "data": "d", "adapter_path": "a"}, where="test")
    assert plan.iters == (iters or 150)
    assert plan.save_every <= plan.iters


def test_other_models_get_nothing_unasked(tmp_path: Path) -> None:
    """A model we do not know is trained with mlx-lm's defaults and what the user gives."""
    assert preset(tmp_path) == {}
