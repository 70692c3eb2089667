"""Trackers: fed from the record of a run, in processes of their own that cannot hold it up."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from punie.errors import UsageError
from punie.training.adapter import AdapterFolder
from punie.training.metrics import Echo, TrainLoss, ValidLoss
from punie.training.tracking import Tracking, require_trackers

from .conftest import FinishedRun

WRITER = """
import json, os
def write(*words):
    with open(os.environ["TOY_LINES"], "a") as out:
        print(json.dumps(words), file=out)
"""
TRACKIO = (
    WRITER
    + """
class Run:
    def log(self, values, step):
        write(step, values)
    def finish(self):
        write("end")
def init(project, name, config):
    write(project, name, config)
    return Run()
"""
)
MLFLOW = (
    WRITER
    + """
begun = []
def set_experiment(name):
    begun.append(name)
def start_run(run_name):
    begun.append(run_name)
def log_params(config):
    write(*begun, config)
def log_metrics(values, step):
    write(step, values)
def end_run():
    write("end")
"""
)


@pytest.fixture
def folder(finished: FinishedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AdapterFolder:
    """A finished run, and a place for packages that both processes find."""
    packages = tmp_path / "packages"
    packages.mkdir()
    monkeypatch.syspath_prepend(packages)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, [packages, *filter(None, sys.path)])))
    monkeypatch.setenv("TOY_LINES", str(tmp_path / "lines"))
    return AdapterFolder(shutil.copytree(finished.folder, tmp_path / "mine"))


def track(name: str, package: str, folder: AdapterFolder, finished: FinishedRun) -> tuple[list[list], list[str]]:
    """What the package wrote, and what the user was told."""
    (folder.root.parent / "packages" / f"{name}.py").write_text(package)
    warnings: list[str] = []
    with Tracking([name], folder, warnings.append) as tracking:
        for metric in finished.metrics:
            tracking.metric(metric)
    lines = folder.root.parent / "lines"
    return [json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else [], warnings


@pytest.mark.parametrize(("name", "package"), [("trackio", TRACKIO), ("mlflow", MLFLOW)])
def test_a_tracker_gets_the_whole_run(folder: AdapterFolder, finished: FinishedRun, name: str, package: str) -> None:
    """Project, name and plan first, then every loss with its iteration, then the end."""
    (begin, *losses, end), warnings = track(name, package, folder, finished)
    echo = next(metric for metric in finished.metrics if isinstance(metric, Echo))
    assert begin[:2] == ["punie", "mine"]
    assert (begin[2]["rank"], begin[2]["model_hash"]) == (finished.plan.rank, echo.model_hash)
    told = [(m.iteration, m.loss) for m in finished.metrics if isinstance(m, TrainLoss | ValidLoss)]
    assert [(step, values.get("train/loss", values.get("valid/loss"))) for step, values in losses] == told
    assert (end, warnings) == (["end"], [])


@pytest.mark.parametrize(
    "failure", ["raise OSError('no network')", "import os, sys; sys.stderr.write('no network'); os._exit(3)"]
)
def test_a_tracker_that_fails_costs_one_sentence(folder: AdapterFolder, finished: FinishedRun, failure: str) -> None:
    """However it breaks, the run goes on; the warning quotes it and says where its log is."""
    _, (warning,) = track("trackio", failure, folder, finished)
    assert warning.startswith("trackio failed:")
    assert "no network" in warning
    assert str(folder.run / "trackio.log") in warning


def test_a_tracker_that_is_not_there_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is not installed is named with the command that installs it."""
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(UsageError, match="wandb is not installed") as caught:
        require_trackers(["wandb"])
    assert caught.value.hint == "pip install wandb"
