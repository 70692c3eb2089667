"""Two processes on loopback through the whole of it: `mlx.launch`, pre-flight, training, and every way to end."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from punie.errors import InterruptedRun, TrainingError, UsageError
from punie.training.hosts.hostfile import Host, Hosts
from punie.training.hosts.preflight import Meeting, meet
from punie.training.metrics import Done, Echo, Metric, TrainLoss, ValidLoss, read_metrics
from punie.training.resolving import resolve_plan
from punie.training.runner import train

from .conftest import PlanMaker

pytestmark = pytest.mark.slow

KNOBS: dict[str, Any] = {"dropout": 0.0, "batch_size": 5}
LOOPBACK = Host(ssh="127.0.0.1", ips=("127.0.0.1",))
PAIR = Hosts(hosts=(LOOPBACK, LOOPBACK), envs=("OPENBLAS_NUM_THREADS=1",))


@pytest.fixture(scope="module")
def meeting(make_plan: PlanMaker) -> Meeting:
    return meet(resolve_plan(make_plan(Path("nowhere"), **KNOBS)), PAIR)


@pytest.fixture(scope="module")
def alone(make_plan: PlanMaker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one process."""
    plan = make_plan(tmp_path_factory.mktemp("alone") / "run", **KNOBS)
    train(plan)
    return Path(plan.adapter_path)


def losses(folder: Path) -> list[tuple[str, int, float]]:
    metrics = read_metrics(folder / "run/metrics.jsonl")
    return [(type(m).__name__, m.iteration, m.loss) for m in metrics if isinstance(m, TrainLoss | ValidLoss)]


def require_same_losses(folder: Path, reference: Path) -> None:
    pairs = zip(losses(folder), losses(reference), strict=True)
    assert all(found == (kind, at, pytest.approx(loss, abs=1e-3)) for found, (kind, at, loss) in pairs)


def processes_of(folder: Path) -> list[psutil.Process]:
    """All that were told this folder, except those that have ended and wait to be asked for it."""
    running = (process for process in psutil.process_iter(["cmdline", "status"]))
    return [
        process
        for process in running
        if process.info["status"] != psutil.STATUS_ZOMBIE
        and any(str(folder) in word for word in process.info["cmdline"] or ())
    ]


def at_iteration(number: int, act: Callable[[], None]) -> Callable[[Metric], None]:
    def hear(metric: Metric) -> None:
        if isinstance(metric, TrainLoss) and metric.iteration == number:
            act()

    return hear


def interrupt() -> None:
    raise KeyboardInterrupt


def test_the_pre_flight_measures_the_way_between(meeting: Meeting) -> None:
    """Both said what they have, and numbers went round."""
    assert len(meeting.facts) == 2
    assert 0 < meeting.latency < 10
    assert meeting.bytes_per_second > 1e5
    assert "2 processes have the same versions, model and data: 127.0.0.1 (rank 0), 127.0.0.1 (rank 1)" in str(meeting)


def test_a_host_that_cannot_be_reached_is_named(make_plan: PlanMaker, tmp_path: Path) -> None:
    """Nothing is waited for that cannot come, and nothing is left running."""
    hosts = Hosts(hosts=(LOOPBACK, Host(ssh="no-such-host.invalid", ips=("127.0.0.1",))))
    with pytest.raises(UsageError, match=r"no-such-host.invalid \(rank 1\) broke off \(exit code \d+\)"):
        meet(resolve_plan(make_plan(tmp_path / "run", **KNOBS)), hosts)


def test_the_pre_flight_is_bounded(make_plan: PlanMaker, tmp_path: Path) -> None:
    """Hosts that do not find each other in time are an error that says where to look."""
    with pytest.raises(UsageError, match="did not find each other"):
        meet(resolve_plan(make_plan(tmp_path / "run", **KNOBS)), PAIR, patience=0.05)


def test_two_hosts_learn_what_one_learns(make_plan: PlanMaker, meeting: Meeting, alone: Path, tmp_path: Path) -> None:
    """Every loss is that of one process within 1e-3, and the run says how many processes it had."""
    train(make_plan(tmp_path / "run", **KNOBS), meeting=meeting)
    require_same_losses(tmp_path / "run", alone)
    metrics = read_metrics(tmp_path / "run/run/metrics.jsonl")
    assert [metric.processes for metric in metrics if isinstance(metric, Echo)] == [2]
    assert not processes_of(tmp_path / "run")


def test_one_that_dies_ends_all_and_is_named(make_plan: PlanMaker, meeting: Meeting, tmp_path: Path) -> None:
    """The error names host, rank and signal; what was saved is gone on with, by one process alone if need be."""
    plan = make_plan(tmp_path / "run", **KNOBS, iters=2000, decay=None)

    def kill_second() -> None:
        trainers = [one for one in processes_of(tmp_path / "run") if "MLX_RANK" in one.environ()]
        next(one for one in trainers if one.environ()["MLX_RANK"] == "1").kill()

    with pytest.raises(TrainingError, match=r"127.0.0.1 \(rank 1\) broke off \(signal SIGKILL"):
        train(plan, on_metric=at_iteration(6, kill_second), meeting=meeting)
    assert not processes_of(tmp_path / "run")


def test_interrupted_together_they_resume_to_the_same_end(
    make_plan: PlanMaker, meeting: Meeting, alone: Path, tmp_path: Path
) -> None:
    """Ctrl-C ends all after a save; the state of the first is enough for all to go on."""
    plan = make_plan(tmp_path / "run", **KNOBS)
    with pytest.raises(InterruptedRun, match="iterations are saved") as stopped:
        train(plan, on_metric=at_iteration(5, interrupt), meeting=meeting)
    assert not processes_of(tmp_path / "run")
    assert "--hosts" in stopped.value.hint
    train(plan, resume=True, meeting=meeting)
    require_same_losses(tmp_path / "run", alone)
    assert isinstance(read_metrics(tmp_path / "run/run/metrics.jsonl")[-1], Done)


def test_the_command_says_what_the_pre_flight_found(tiny_model: Path, data: Path, tmp_path: Path) -> None:
    """`punie train --hosts` trains, and a plan that cannot be shared out is refused at once."""
    (tmp_path / "hosts.json").write_text(json.dumps(PAIR.model_dump(mode="json")))
    command = [sys.executable, "-m", "punie", "train", str(data), "--iters", "2", "--hosts", "hosts.json"]
    done = subprocess.run([*command, "--json"], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["iterations"] == 2
    assert "2 processes have the same versions" in done.stderr
    refused = subprocess.run([*command, "--batch-size", "1"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (refused.returncode, "without any" in refused.stderr) == (2, True)
