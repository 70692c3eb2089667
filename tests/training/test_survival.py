"""Killed, asked to stop or cut off at any moment, a run loses little, corrupts nothing and ends in the same adapter."""

from __future__ import annotations

import os
import resource
import shlex
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from safetensors import safe_open
from signals import Hit

from punie.errors import CapacityError, TrainingError
from punie.files import hash_file
from punie.training.adapter import AdapterFolder
from punie.training.metrics import Stopped, TrainLoss, ValidLoss, read_metrics
from punie.training.plan import TrainingPlan
from punie.training.progress import read_progress
from punie.training.runner import train

from .conftest import CHILD, FinishedRun, PlanMaker

PARENT = "-m punie train"
SECONDS = 30.0

FAST_MOMENTS = ["os.rename state.safetensors 2", "os.rename /adapters.safetensors 1"]
SLOW_MOMENTS = [
    "os.rename state.safetensors 1",
    "open plan.yaml 1",
    "open train.jsonl 1",
    "open metrics.jsonl 1",
    "open metrics.jsonl 2",
    "open metrics.jsonl 5",
    "open .0000004 1",
    "open .0000008 1",
    "os.rename 0000004 1",
    "open .state.safetensors 1",
    "open .state.safetensors 2",
    "open metrics.jsonl 7",
    "open metrics.jsonl 8",
    "open metrics.jsonl 11",
    "os.rename 0000008 1",
    "open metrics.jsonl 15",
    "os.rename 0000012 1",
    "os.rename adapter_config.json 1",
]
"""Event, piece of its arguments, and which one of these: before a file is opened, filled or named.

With the fast ones they are twenty.
"""


def slow(*values: str) -> object:
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize("moment", [*FAST_MOMENTS, *map(slow, SLOW_MOMENTS)])
def test_a_child_killed_at_any_moment_costs_one_save_interval_at_most(
    finished: FinishedRun, make_plan: PlanMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """What lies there is whole, nobody stays behind, and the resumed run ends as one that was left alone."""
    plan = make_plan(tmp_path / "run")
    with monkeypatch.context() as during:
        Hit(CHILD, moment).arm(during)
        with pytest.raises(TrainingError, match="exit code -9"):
            train(plan)
    assert_little_is_lost(plan)
    train(plan, resume=True)
    assert_same_end(finished, plan)


@pytest.mark.slow
@pytest.mark.parametrize(
    "hit",
    [
        Hit(CHILD, "open metrics.jsonl 8", whom="parent"),
        Hit(PARENT, "os.rename adapter_config.json 1"),
        Hit(PARENT, "os.rename /adapters.safetensors 1"),
        Hit(PARENT, "os.rename outcome.json 1"),
        Hit(PARENT, "shutil.rmtree state 1"),
    ],
    ids=lambda hit: hit.moment,
)
def test_a_killed_parent_takes_its_child_along(
    finished: FinishedRun, make_plan: PlanMaker, tmp_path: Path, hit: Hit
) -> None:
    """No model stays in memory, and files that were given half of their names are given the rest."""
    plan = make_plan(tmp_path / "run")
    assert punie_train(plan, hit).returncode == -9
    wait_until_nobody_is_left(AdapterFolder.of(plan))
    assert_little_is_lost(plan)
    train(plan, resume=True)
    assert_same_end(finished, plan)


@pytest.mark.parametrize(
    ("signal", "whom"),
    [
        ("SIGTERM", "parent"),
        slow("SIGTERM", "self"),
        slow("SIGTERM", "groups"),
        slow("SIGHUP", "parent"),
        slow("SIGINT", "parent"),
        slow("SIGINT", "self"),
        slow("SIGINT", "groups"),
    ],
)
def test_asked_to_stop_it_saves_and_says_how_to_go_on(
    finished: FinishedRun, make_plan: PlanMaker, tmp_path: Path, signal: str, whom: str
) -> None:
    """Exit code 130; the printed command, as it stands, ends in the adapter of a run that was left alone."""
    plan = make_plan(tmp_path / "a run")
    folder = AdapterFolder.of(plan)
    stopped = punie_train(plan, Hit(CHILD, "os.rename state.safetensors 1", signal, whom))
    assert stopped.returncode == 130, stopped.stderr
    last = read_metrics(folder.metrics)[-1]
    assert isinstance(last, Stopped)
    assert last.iteration == read_progress(folder.state).iteration >= plan.save_every
    assert not processes_of(folder)
    assert [file.name for file in folder.root.iterdir()] == ["run"]
    (advice,) = [line for line in stopped.stderr.splitlines() if line.startswith("Go on with: ")]
    program, *words = shlex.split(advice.removeprefix("Go on with: "))
    assert program == "punie"
    subprocess.run([sys.executable, "-m", "punie", *words], check=True, capture_output=True, timeout=SECONDS)
    assert_same_end(finished, plan)


def punie_train(plan: TrainingPlan, hit: Hit) -> subprocess.CompletedProcess[str]:
    """The command line, in a group of its own."""
    file = Path(plan.adapter_path).parent / "asked.yaml"
    file.write_text(plan.to_yaml())
    return subprocess.run(
        [sys.executable, "-m", "punie", "train", "--config", str(file)],
        env={**os.environ, **hit.environment},
        start_new_session=True,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def wait_until_nobody_is_left(folder: AdapterFolder) -> None:
    deadline = time.monotonic() + SECONDS
    while processes_of(folder):
        assert time.monotonic() < deadline


def test_a_file_that_cannot_grow_ends_the_run_with_a_sentence(make_plan: PlanMaker, tmp_path: Path) -> None:
    """The system refuses to write the first checkpoint: exit code 4, and no half file."""
    plan = make_plan(tmp_path / "run")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(CapacityError, match="may not get this large") as caught:
            train(plan)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.exit_code == 4
    assert not list(tmp_path.rglob("*.safetensors*"))


def assert_little_is_lost(plan: TrainingPlan) -> None:
    folder = AdapterFolder.of(plan)
    assert not processes_of(folder)
    for file in folder.root.rglob("[!.]*.safetensors"):
        with safe_open(file, framework="numpy") as opened:
            assert all(opened.get_tensor(name).size for name in opened.keys())  # noqa: SIM118
    metrics = read_metrics(folder.metrics) if folder.metrics.is_file() else ()
    done = [metric.iteration for metric in metrics if isinstance(metric, TrainLoss)]
    saved = read_progress(folder.state).iteration if folder.state.is_file() else 0
    assert max(done, default=0) - saved <= plan.save_every or folder.weights.is_file()


def processes_of(folder: AdapterFolder) -> list[int]:
    """Who works in this folder, by its command line."""
    found = psutil.process_iter(["cmdline", "status"])
    alive = [process for process in found if process.info["status"] != psutil.STATUS_ZOMBIE]
    return [process.pid for process in alive if any(str(folder.root) in word for word in process.info["cmdline"] or ())]


def assert_same_end(finished: FinishedRun, plan: TrainingPlan) -> None:
    folder = AdapterFolder.of(plan)
    # The command line adds a page of the run.
    found, expected = (
        sorted(file for file in root.rglob("*") if file.name != "report.html")
        for root in (folder.root, finished.folder)
    )
    assert [file.name for file in found] == [file.name for file in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.suffix != ".safetensors" or hash_file(ours) == hash_file(theirs)
    assert losses(folder) == losses(AdapterFolder(finished.folder))


def losses(folder: AdapterFolder) -> list[tuple[str, int, float]]:
    return [
        (type(metric).__name__, metric.iteration, metric.loss)
        for metric in read_metrics(folder.metrics)
        if isinstance(metric, TrainLoss | ValidLoss)
    ]
