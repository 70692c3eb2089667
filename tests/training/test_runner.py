"""Training in a child, end to end on the real trainer: what is left on disk, whatever happens on the way."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from punie.errors import CapacityError, DivergedError, UsageError
from punie.training.disk import bytes_needed, require_space
from punie.training.metrics import Doing, Done, Echo, Metric, Saved, TrainLoss, ValidLoss, read_metrics
from punie.training.outcome import read_outcome
from punie.training.runner import train

from .conftest import MLX_OPTIONS, FinishedRun, PlanMaker


def iterations(metrics: tuple[Metric, ...], kind: type[TrainLoss | ValidLoss | Saved]) -> list[int]:
    return [metric.iteration for metric in metrics if isinstance(metric, kind)]


def test_a_run_learns_and_leaves_what_mlx_lm_leaves(finished: FinishedRun) -> None:
    """The loss falls, and the folder holds mlx-lm's files, the record of the run, and nothing else."""
    outcome = finished.outcome
    assert outcome.first_valid_loss is not None
    assert outcome.valid_loss is not None
    assert outcome.valid_loss < outcome.first_valid_loss
    assert {file.name for file in finished.folder.iterdir()} == {
        "0000004_adapters.safetensors",
        "0000008_adapters.safetensors",
        "0000012_adapters.safetensors",
        "adapter_config.json",
        "adapters.safetensors",
        "run",
    }
    run = {file.name for file in (finished.folder / "run").iterdir()}
    assert run == {"plan.yaml", "metrics.jsonl", "outcome.json", "train.log"}


def test_metrics_keep_the_plans_rhythm(finished: FinishedRun) -> None:
    """Reports, validations and checkpoints come when the plan says; the echo is before them, the end is last."""
    metrics = read_metrics(finished.folder / "run" / "metrics.jsonl")
    assert metrics == finished.metrics
    assert [type(metric) for metric in metrics[:4]] == [Doing, Doing, Doing, Echo]
    assert isinstance(metrics[-1], Done)
    assert iterations(metrics, TrainLoss) == list(range(1, 13))
    assert iterations(metrics, ValidLoss) == [0, 6, 12]
    assert iterations(metrics, Saved) == [4, 8]


def test_mlx_lm_loads_the_adapter_and_it_speaks_otherwise(finished: FinishedRun) -> None:
    """The real loader takes the folder, and the adapter changes what the model says."""
    import mlx.core as mx
    from mlx_lm import load

    model = finished.outcome.model
    prompt = mx.array([[1, 2, 3, 4]])
    base, adapted = load(model)[0](prompt), load(model, adapter_path=str(finished.folder))[0](prompt)
    assert not mx.allclose(base, adapted, atol=1e-3).item()


def test_a_finished_run_is_returned_as_it_is(finished: FinishedRun) -> None:
    """Resuming what is done trains nothing again."""
    assert train(finished.plan, resume=True) == finished.outcome == read_outcome(finished.folder)


def test_a_loss_that_is_no_number_ends_the_run(make_plan: PlanMaker, tmp_path: Path) -> None:
    """Diverging has its own exit code and leaves no adapter."""
    rates = {"learning_rate": 1e30, "final_learning_rate": 1e29}
    knobs = {**MLX_OPTIONS, **rates, "optimizer": "sgd", "grad_accumulation_steps": 1}
    with pytest.raises(DivergedError, match="at iteration") as caught:
        train(make_plan(tmp_path / "run", **knobs))
    assert caught.value.exit_code == 5
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["run"]


def test_a_model_without_chat_template_leaves_the_folder_free(
    make_plan: PlanMaker, tiny_model: Path, tmp_path: Path
) -> None:
    """What the child refuses is an error of the user's, and the corrected command finds the folder as it was."""
    base = shutil.copytree(tiny_model, tmp_path / "base", ignore=shutil.ignore_patterns("*.jinja"))
    with pytest.raises(UsageError, match="no chat template"):
        train(make_plan(tmp_path / "run", model=str(base)))
    assert not (tmp_path / "run").exists()


def test_a_folder_in_use_is_not_trained_into(finished: FinishedRun, make_plan: PlanMaker, tmp_path: Path) -> None:
    """Neither a finished adapter nor anything else is written over."""
    (tmp_path / "notes.txt").write_text("mine")
    for folder in (finished.folder, tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(UsageError, match="in use"):
            train(make_plan(folder))


def test_a_run_resumes_only_under_its_own_plan(finished: FinishedRun, make_plan: PlanMaker) -> None:
    """Every key that differs is listed with both values."""
    changed = make_plan(finished.folder, rank=16, seed=8)
    with pytest.raises(UsageError, match="rank was 4, is 16; seed was 7, is 8"):
        train(changed, resume=True)


def test_there_must_be_something_to_resume(make_plan: PlanMaker, tmp_path: Path) -> None:
    """A wrong path does not quietly begin a new run."""
    with pytest.raises(UsageError, match="no training run to resume"):
        train(make_plan(tmp_path), resume=True)


@pytest.mark.parametrize(("key", "complaint"), [("model", "no model called"), ("data", "no train.jsonl")])
def test_what_is_missing_is_said_at_once(make_plan: PlanMaker, tmp_path: Path, key: str, complaint: str) -> None:
    """No process is started for a model or data that is not there."""
    with pytest.raises(UsageError, match=complaint):
        train(make_plan(tmp_path / "run", **{key: str(tmp_path)}))
    assert not (tmp_path / "run").exists()


def test_a_disk_that_is_too_small_is_said_at_once(make_plan: PlanMaker, tmp_path: Path) -> None:
    """The need grows with full tuning and its checkpoints, and is held against the disk of the output folder."""
    lora = {"rank": 8, "scale": 20.0, "dropout": 0.0, "keys": None}
    few, many = (make_plan(tmp_path, fine_tune_type="full", save_every=every, **lora) for every in (12, 1))
    assert bytes_needed(many) > bytes_needed(few) > 0
    with pytest.raises(CapacityError, match="this needs about"):
        require_space(tmp_path / "not" / "yet", 2**62)
