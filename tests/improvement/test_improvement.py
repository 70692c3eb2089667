"""The whole loop with the embedded model: real answers, real training, real exams."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from punie.files import read_jsonl

pytestmark = pytest.mark.slow

PATIENCE = 300
TASKS, SAMPLES, ROUNDS = 12, 2, 2


def suite(name: str, **counts: int) -> dict[str, Any]:
    return {"name": name, "max_tokens": 64, "draw": {"generator": "tiny", "seed": 5, "counts": counts}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recipe of two rounds on twelve tasks, and all that it names."""
    files: dict[str, dict[str, Any]] = {
        "tasks.yaml": suite("tasks", **{"taught code_generation": TASKS}),
        "exam.yaml": suite("exam", **{"dev code_generation": 8, "code_generation": 8}),
        "recipe.yaml": {
            "name": "mine",
            "tasks": "tasks.yaml",
            "suite": "exam.yaml",
            "samples": SAMPLES,
            "max_tokens": 64,
            "replay": "first",
            "rounds": ROUNDS,
            "patience": ROUNDS,
            "concurrency": 2,
            "training": {"iters": 3, "batch_size": 2, "probes": False},
        },
    }
    for name, values in files.items():
        (tmp_path / name).write_text(yaml.safe_dump(values))
    done = punie(tmp_path, "dataset", "download", "tiny", "--max", "20", "--output", "first").communicate()
    assert (tmp_path / "first/train.jsonl").is_file(), done
    return tmp_path


def punie(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "punie", *words]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def improved(folder: Path) -> dict[str, Any]:
    process = punie(folder, "improve", "recipe.yaml", "--output", "made", "--json")
    printed, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    return json.loads(printed)


def answered(folder: Path) -> list[str]:
    return [row["answered"] for _, row in read_jsonl(folder / "made/answers.jsonl") if "answered" in row]


def kill_at(folder: Path, place: str) -> None:
    """kill -9 as soon as this file is there and holds something."""
    process, limit = punie(folder, "improve", "recipe.yaml", "--output", "made"), time.monotonic() + PATIENCE
    while not any(file.stat().st_size for file in folder.glob(f"made/{place}")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.02)  # it is another process that is waited for
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def test_killed_anywhere_it_ends_as_if_it_had_not_been(folder: Path) -> None:
    """After kill -9 while it asks, trains and sits an exam, the same command finishes; no answer that came is asked
    for again, and the report has every round, the choice by dev, and the test half where a round was chosen.
    """
    for place in (
        "answers.jsonl",
        "rounds/1/adapter/run/metrics.jsonl",
        "rounds/1/.dev.partial/samples.jsonl",
        "rounds/2/adapter/run/metrics.jsonl",
    ):
        kill_at(folder, place)
    record = improved(folder)
    assert [row["round"] for row in record["rounds"]] == [0, 1, 2]
    assert record["ended"]
    for row in record["rounds"][1:]:
        lesson = row["lesson"]
        assert lesson["answers"] == TASKS * SAMPLES
        assert 0 < lesson["kept"] <= lesson["right"] < lesson["answers"]
        assert lesson["kept"] < lesson["rows"] <= 2 * lesson["kept"]
    assert max(Counter(answered(folder)).values()) == 1
    tested = record["chosen"] > 0
    assert (record["test"] is not None) == tested == (folder / "made/test/comparison.html").is_file()
    assert (
        (record["beside_control"] is not None)
        == tested
        == (folder / "made/control/adapter/adapters.safetensors").is_file()
    )
    page = (folder / "made/report.html").read_text()
    assert "Round by round" in page
    assert "rounds/2/dev/report.html" in page

    before = answered(folder)
    assert improved(folder) == record
    assert answered(folder) == before

    (folder / "tasks.yaml").write_text(yaml.safe_dump(suite("tasks", **{"taught code_generation": 11})))
    process = punie(folder, "improve", "recipe.yaml", "--output", "made")
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "content of tasks differ" in said
