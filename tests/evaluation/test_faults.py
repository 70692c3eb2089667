"""What befalls the one who asks, with the real command and the real server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from punie.evaluation.runs import read_run


def start(suite: Path, output: Path, *more: str) -> subprocess.Popen[bytes]:
    options = ["--suite", str(suite), "--output", str(output), "--concurrency", "1", "--no-cache", *more]
    command = [sys.executable, "-m", "punie", "eval", *options]
    with (output.parent / "stderr").open("wb") as errors:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)


def wait_for_lines(path: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    limit = time.monotonic() + 120
    while not path.is_file() or path.read_bytes().count(b"\n") < count:
        assert process.poll() is None, (path.parent.parent / "stderr").read_text()
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_a_killed_run_goes_on_and_asks_nothing_twice(tmp_path: Path, suite_file: Path) -> None:
    """After kill -9 the same command finishes; every answer that had come is the one in the finished run."""
    output = tmp_path / "run"
    journal = tmp_path / ".run.partial" / "answers.jsonl"
    first = start(suite_file, output)
    wait_for_lines(journal, 2, first)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    whole = journal.read_bytes().rpartition(b"\n")[0].splitlines()
    came = {row["case"]: row["answer"] for row in map(json.loads, whole)}
    assert 2 <= len(came) < 6

    second = start(suite_file, output)
    assert second.wait(120) == 0, (tmp_path / "stderr").read_text()
    answers = {trial.case.id: trial.answer for trial in read_run(output).trials}
    assert len(answers) == 6
    assert all(answer is not None for answer in answers.values())
    assert {case: answers[case].model_dump(mode="json") for case in came if answers[case]} == came
    assert not (tmp_path / ".run.partial").exists()


@pytest.mark.slow
def test_several_suites_and_samples_are_one_run(tmp_path: Path, suite_file: Path) -> None:
    """Two suites with the same ids, two samples: each is asked of each, and the folder reads back whole."""
    other = tmp_path / "other.yaml"
    other.write_text(suite_file.read_text().replace("name: six", "name: other"))
    sampled = ("--samples", "2", "--temperature", "0.8", "--max-tokens", "8", "--concurrency", "4")
    ended = start(suite_file, tmp_path / "run", "--suite", str(other), *sampled)
    assert ended.wait(120) == 0, (tmp_path / "stderr").read_text()
    run = read_run(tmp_path / "run")
    assert [suite.name for suite in run.record.suites] == ["six", "other"]
    assert len({trial.key for trial in run.trials}) == 24
    assert run.categories()[0] == "six: tools"
    assert "right" in (tmp_path / "run" / "report.html").read_text()
