"""Memory: what will not fit is said before the first step, and what has grown too large ends saved."""

from __future__ import annotations

from pathlib import Path

import pytest

from punie.errors import CapacityError
from punie.training.progress import read_progress
from punie.training.runner import train

from .conftest import FinishedRun, PlanMaker


def test_the_estimate_stands_beside_what_was_measured(finished: FinishedRun) -> None:
    """Within a factor of two, even of the smallest run, whose buffers are hardly larger than a page."""
    outcome = finished.outcome
    assert outcome.estimated_memory is not None
    assert outcome.peak_memory / 2 < outcome.estimated_memory < 2 * outcome.peak_memory


def test_what_will_not_fit_is_refused_with_its_numbers(make_plan: PlanMaker, tmp_path: Path) -> None:
    """Exit code 4 before the first step, and the folder is free for a smaller run."""
    with pytest.raises(CapacityError, match="estimated") as caught:
        train(make_plan(tmp_path / "run", memory_limit=0.006))
    assert caught.value.exit_code == 4
    assert caught.value.hint
    assert not (tmp_path / "run").exists()


def test_a_run_that_grows_too_large_ends_saved(make_plan: PlanMaker, tmp_path: Path) -> None:
    """mlx-lm's loop is not estimated, so the limit meets it in the first steps; with more it goes on."""
    knobs = {"engine": "mlx-lm", "mask": "last"}
    with pytest.raises(CapacityError, match="saved after iteration 2") as caught:
        train(make_plan(tmp_path / "run", memory_limit=0.006, **knobs))
    assert "--resume" in caught.value.hint
    assert read_progress(tmp_path / "run" / "run" / "state" / "state.safetensors").iteration == 2
    assert train(make_plan(tmp_path / "run", memory_limit=1.0, **knobs), resume=True).iterations == 12
