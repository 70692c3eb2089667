"""Several processes train as one, started by the real `mlx.launch` on loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from punie.files import make_folder, write_jsonl, write_text
from punie.process import mlx_environment
from punie.training.adapter import AdapterFolder
from punie.training.metrics import DECODER, Done, Failed, Metric, Stopped, TrainLoss, ValidLoss, follow, read_metrics
from punie.training.plan import TrainingPlan
from punie.training.progress import read_progress
from punie.training.resolving import resolve_plan
from punie.training.runner import train

from .conftest import PlanMaker

PATIENCE = 200.0
KNOBS: dict[str, Any] = {"dropout": 0.0, "batch_size": 5}
LONG: dict[str, Any] = {"iters": 2000, "steps_per_eval": 1000}


def launch(plan: TrainingPlan) -> subprocess.Popen[bytes]:
    """Two workers of one run on this machine."""
    plan = resolve_plan(plan)
    folder = AdapterFolder.of(plan)
    make_folder(folder.run)
    write_text(folder.plan, plan.to_yaml())
    folder.metrics.touch()
    launcher = [Path(sys.executable).parent / "mlx.launch", "-n", "2", "--backend", "ring"]
    worker = [sys.executable, "-m", "punie.training.worker", str(folder.plan)]
    environment = {**mlx_environment(), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [*launcher, "--starting-port", str(free_port()), "--", *worker], env=environment, stdout=subprocess.DEVNULL
    )


def losses(metrics: tuple[Metric, ...]) -> list[tuple[str, int, float]]:
    return [(type(m).__name__, m.iteration, m.loss) for m in metrics if isinstance(m, TrainLoss | ValidLoss)]


def free_port() -> int:
    """The ring takes this one and the next."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1] - 1


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(make_plan: PlanMaker, tmp_path: Path) -> None:
    """With shares of an odd batch, accumulated, every loss and the number of tokens are those of one process."""
    train(make_plan(tmp_path / "one", **KNOBS))
    assert launch(make_plan(tmp_path / "two", **KNOBS)).wait(PATIENCE) == 0
    alone, together = (read_metrics(tmp_path / name / "run/metrics.jsonl") for name in ("one", "two"))
    assert len(losses(together)) == len(losses(alone)) > 12
    for (kind, at, loss), reference in zip(losses(together), losses(alone), strict=True):
        assert (kind, at, loss) == (reference[0], reference[1], pytest.approx(reference[2], abs=1e-4))
    ends = [metric for metrics in (alone, together) for metric in metrics if isinstance(metric, Done)]
    assert (ends[0].tokens, ends[0].trained_tokens) == (ends[1].tokens, ends[1].trained_tokens)


@pytest.mark.slow
def test_all_stop_when_one_is_told_to(make_plan: PlanMaker, tmp_path: Path) -> None:
    """A signal to the second process alone ends both after the same step, and the first has saved."""
    last = end_of(make_plan(tmp_path / "run", **KNOBS, **LONG), lambda second: second.send_signal(signal.SIGTERM))
    assert isinstance(last, Stopped)
    assert read_progress(AdapterFolder(tmp_path / "run").state).iteration == last.iteration < 2000


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process can be set on Linux only")
def test_all_give_up_when_one_cannot_go_on(make_plan: PlanMaker, tmp_path: Path) -> None:
    """The second process may not write its checkpoint: neither hangs, and the first says what happened to which."""

    def fill_disk(second: psutil.Process) -> None:
        second.rlimit(psutil.RLIMIT_FSIZE, (20_000, 20_000))

    last = end_of(make_plan(tmp_path / "run", **KNOBS, **{**LONG, "save_every": 10}), fill_disk)
    assert isinstance(last, Failed)
    assert (last.error, last.where.endswith("(process of rank 1)")) == ("CapacityError", True)


@pytest.mark.slow
def test_all_are_refused_what_one_is_refused(make_plan: PlanMaker, tmp_path: Path) -> None:
    """What is wrong before the first step ends both, and the first says it."""
    write_jsonl(tmp_path / "train.jsonl", [{"text": "of another shape"}, {}])
    launcher = launch(make_plan(tmp_path / "run", data=str(tmp_path), **KNOBS, patience=None, min_delta=0.0))
    assert launcher.wait(PATIENCE) == 0
    last = read_metrics(tmp_path / "run/run/metrics.jsonl")[-1]
    assert isinstance(last, Failed)
    assert last.error == "DataError"


def end_of(plan: TrainingPlan, act: Callable[[psutil.Process], None]) -> Metric:
    """The last thing that is said after something was done to the process of rank 1, in the middle of the run."""
    launcher = launch(plan)
    heard = list[Metric]()
    for metric in follow(AdapterFolder.of(plan).metrics, lambda: launcher.poll() is None, DECODER):
        heard.append(metric)
        if isinstance(metric, TrainLoss) and metric.iteration == 2:
            act(next(child for child in workers(launcher) if child.environ()["MLX_RANK"] == "1"))
    assert launcher.wait(PATIENCE) == 0
    return heard[-1]


def workers(launcher: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The training processes themselves; a shell may stand between them and the launcher."""
    children = psutil.Process(launcher.pid).children(recursive=True)
    return [child for child in children if "punie.training.worker" in child.cmdline()[1:3]]
