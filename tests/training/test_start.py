"""A run that begins with the weights of another run's adapter."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from punie.errors import UsageError
from punie.files import hash_file, read_json, write_json
from punie.training.metrics import Echo, Metric, ValidLoss
from punie.training.resolving import resolve_plan
from punie.training.runner import train

from .conftest import KNOBS, FinishedRun, PlanMaker, Stopper

SHORT = {"iters": 4, "steps_per_eval": 2, "save_every": 2, "patience": None, "min_delta": 0.0}
SHORT |= {"warmup": 0, "initial_learning_rate": 0.0, "decay": None}


@pytest.mark.slow
def test_a_run_goes_on_where_the_other_adapter_ended(
    finished: FinishedRun, make_plan: PlanMaker, stop_at_save: Stopper, tmp_path: Path
) -> None:
    """Its first validation loss is the other's last, the echo tells whose weights they are, and it resumes the same."""
    changes = {**SHORT, "resume_from": str(finished.folder)}
    heard: list[Metric] = []
    train(make_plan(tmp_path / "next", **changes), on_metric=heard.append)
    first = next(metric for metric in heard if isinstance(metric, ValidLoss))
    assert first.loss == pytest.approx(finished.outcome.valid_loss, abs=1e-6)
    (echo,) = [metric for metric in heard if isinstance(metric, Echo)]
    assert echo.values["resume_from"] == str(finished.folder)
    assert echo.start_hash == finished.outcome.adapter_hash

    again = make_plan(tmp_path / "again", **changes)
    stop_at_save(again, 1)
    train(again, resume=True)
    assert hash_file(tmp_path / "again" / "adapters.safetensors") == hash_file(
        tmp_path / "next" / "adapters.safetensors"
    )


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"rank": 8}, r"lora_a is \d+ x 4, the plan's \d+ x 8"),
        ({"scale": 4.0}, r"its scale is 2.0, the plan's 4.0"),
        ({"num_layers": 3}, "it has no .*, and [0-9]+ more such weights"),
        ({"keys": ["q_proj"]}, "the plan has no "),
        ({"fine_tune_type": "dora"}, "its fine_tune_type is lora, the plan's dora"),
    ],
)
def test_an_adapter_of_another_form_is_refused(
    finished: FinishedRun, make_plan: PlanMaker, tmp_path: Path, changes: dict, complaint: str
) -> None:
    """With what differs, and nothing is left behind."""
    plan = make_plan(tmp_path / "run", **{**KNOBS, **SHORT, **changes}, resume_from=str(finished.folder))
    with pytest.raises(UsageError, match=complaint) as caught:
        train(plan)
    assert caught.value.where == str(finished.folder)
    assert not (tmp_path / "run").exists()


def test_an_adapter_of_another_model_is_refused(finished: FinishedRun, make_plan: PlanMaker, tmp_path: Path) -> None:
    """Where its record tells; shapes alone cannot."""
    other = tmp_path / "other"
    shutil.copytree(finished.folder, other)
    write_json(other / "run" / "outcome.json", {**read_json(other / "run" / "outcome.json"), "model_hash": "sha256:0"})
    with pytest.raises(UsageError, match="it was trained on another model"):
        train(make_plan(tmp_path / "run", **SHORT, resume_from=str(other)))


@pytest.mark.parametrize(
    ("name", "complaint"), [("absent", "There is no adapter called 'absent'"), (".", "Not an adapter")]
)
def test_an_adapter_that_is_not_there_is_told_before_training(
    make_plan: PlanMaker, tmp_path: Path, name: str, complaint: str
) -> None:
    """Nothing is started for it."""
    with pytest.raises(UsageError, match=complaint):
        resolve_plan(make_plan(tmp_path / "run", resume_from=name))
