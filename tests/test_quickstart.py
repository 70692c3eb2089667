"""The main job, from the command a stranger types to the page that is read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

PATIENCE = 900.0
LEAST = {"tool_calling": 0.7, "code_generation": 0.85, "reasoning": 0.65}
"""Below every run seen, so that another processor's rounding does not fail the test. Figures: docs/LOG.md."""


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "punie", *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until_it_learns(folder: Path, process: subprocess.Popen[str]) -> None:
    metrics = folder / "adapters/quickstart/run/metrics.jsonl"
    deadline = time.monotonic() + PATIENCE
    while not (metrics.exists() and '"event":"train"' in metrics.read_text()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)  # it is another process that is waited for


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quickstart that was interrupted in the middle of training and then run again to its end."""
    folder = tmp_path_factory.mktemp("demo")
    process = start(folder, "quickstart")
    wait_until_it_learns(folder, process)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, said
    assert "Go on with: punie quickstart" in said
    assert children
    assert not [child for child in children if child.is_running()]
    assert not (folder / "adapters/quickstart/adapters.safetensors").exists()
    second = start(folder, "quickstart")
    shown, said = second.communicate(timeout=PATIENCE)
    assert second.returncode == 0, said
    (folder / "shown.txt").write_text(shown)
    (folder / "said.txt").write_text(said)
    return folder


def test_the_tuned_model_is_better_and_by_how_much(demo: Path) -> None:
    """Interrupted and started again, it ends with a weak base, a good tuned model, and the verdict."""
    record = json.loads((demo / "reports/quickstart/comparison.json").read_text())
    shares = {row["name"]: (row["before"]["share"], row["after"]["share"]) for row in record["categories"]}
    assert record["verdict"] == "better"
    for category, least in LEAST.items():
        before, after = shares[category]
        assert before < 0.5
        assert after >= least
    assert "Better:" in (demo / "shown.txt").read_text()


def test_the_interrupted_training_went_on(demo: Path) -> None:
    """The run was trained in two sittings of one plan, and every iteration happened once."""
    lines = (demo / "adapters/quickstart/run/metrics.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    starts = [event["first_iteration"] for event in events if event["event"] == "echo"]
    iterations = [event["iteration"] for event in events if event["event"] == "train"]
    assert len(starts) == 2
    assert starts[1] > 0
    assert iterations == sorted(set(iterations))
    assert iterations[-1] == 150


@pytest.mark.parametrize("run", ["quickstart-base", "quickstart-tuned"])
def test_the_page_can_be_recomputed_from_the_samples(demo: Path, run: str) -> None:
    """`punie rescore` judges every stored answer again and comes to the numbers of the page."""
    process = start(demo, "rescore", f"reports/{run}", "--json")
    shown, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    again = json.loads(shown)
    stored = json.loads((demo / f"reports/{run}/report.json").read_text())
    assert again.pop("differences") == []
    assert again == stored


def test_a_changed_number_is_found_out(demo: Path, tmp_path: Path) -> None:
    """A judgement that somebody edited makes `punie rescore` end with exit code 7 and name the case."""
    source = demo / "reports/quickstart-tuned"
    lines = (source / "samples.jsonl").read_text().splitlines()
    index = next(number for number, line in enumerate(lines) if '"value":0' in line)
    trial = {**json.loads(lines[index]), "value": 1.0, "failure": ""}
    (tmp_path / "forged").mkdir()
    (tmp_path / "forged/samples.jsonl").write_text("\n".join([*lines[:index], json.dumps(trial), *lines[index + 1 :]]))
    (tmp_path / "forged/run.json").write_text((source / "run.json").read_text())
    process = start(tmp_path, "rescore", "forged")
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 7
    assert trial["case"]["id"] in said


def test_a_finished_quickstart_only_shows_its_result(demo: Path) -> None:
    """Run once more, it asks and trains nothing and shows the same numbers."""
    process = start(demo, "quickstart")
    shown, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert said.count("done before") == 4
    assert shown.splitlines()[:10] == (demo / "shown.txt").read_text().splitlines()[:10]


def test_the_working_folders_hold_nothing_unfinished(demo: Path) -> None:
    """No partial run, no draft and no state is left."""
    names = [entry.name for folder in ("data", "adapters", "reports") for entry in (demo / folder).iterdir()]
    assert sorted(names) == sorted(["quickstart"] * 3 + ["quickstart-base", "quickstart-tuned"])
    assert not any(name.startswith(".") for name in os.listdir(demo / "adapters/quickstart/run"))
