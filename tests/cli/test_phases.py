"""The three commands of a curriculum by kind of task, each from the adapter of the one before; and all in one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from strandset import FUNCTIONS, strandset_rows
from uploads import Shelf, uploading

from punie.data.fetch.importers.strandset import TASKS
from punie.files import read_jsonl, write_jsonl
from punie.training.matrix import START, read_matrix

SHORT = ["--iters", "3", "--batch-size", "4", "--num-layers", "2", "--steps-per-eval", "3", "--select", "last"]
PHASES = ["understanding", "annotation", "generation"]


@pytest.fixture
def hub() -> Iterator[Shelf]:
    with uploading() as shelf:
        yield shelf


class Commands:
    """`punie` in a folder and an environment of its own."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "punie", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300, check=False
        )

    def well(self, *arguments: str) -> str:
        done = self(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stderr


def import_rows(punie: Commands) -> None:
    """Rows in the dataset's own schema, imported, the last three functions to validate and to test on."""
    folder = punie.folder
    write_jsonl(folder / "strandset.jsonl", strandset_rows())
    punie.well("dataset", "import", "strandset", "strandset.jsonl", "--output", "imported")
    rows = [row for _, row in read_jsonl(folder / "imported" / "train.jsonl")]
    bounds = [0, *(len(TASKS) * (len(FUNCTIONS) - left) for left in (3, 2)), len(rows)]
    for split, begin, end in zip(("train", "valid", "test"), bounds, bounds[1:], strict=False):
        write_jsonl(folder / "data" / f"{split}.jsonl", rows[begin:end])


@pytest.mark.slow
def test_three_phases_one_after_the_other_fill_the_tables(hub: Shelf, tmp_path: Path) -> None:
    """Each begins with the adapter that the one before pushed to the hub, and the last one has the results of all."""
    punie = Commands(tmp_path, hub.environment(tmp_path))
    import_rows(punie)
    begin: list[str] = []
    for number, phase in enumerate(PHASES, start=1):
        repository = f"user/phase{number}"
        told = punie.well("train", "data", "--curriculum-phase", phase, *begin, *SHORT, "--output-repo", repository)
        assert f"Pushed to {hub.address}/{repository}, which is private" in told
        begin = ["--resume-from", repository]
    assert hub.private == hub.repositories.keys() == {"user/phase1", "user/phase2", "user/phase3"}
    left = b"".join(body for files in hub.repositories.values() for body in files.values())
    assert str(tmp_path).encode() not in left, "no path of this machine is on the hub"
    matrix = read_matrix(tmp_path / "adapters" / "phase3")
    assert matrix is not None
    assert [point.name for point in matrix.checkpoints] == [START, *PHASES]
    assert [point.iterations for point in matrix.checkpoints] == [0, 3, 3, 3]

    punie.well("train", "data", *SHORT, "--matrix-rows", "32", "--output", "adapters/mixed")
    punie.well("report", "adapters/phase3", "--baseline", "adapters/mixed")
    results = (tmp_path / "adapters" / "phase3" / "run" / "results.md").read_text()
    assert all(f"## {phase}\n\n| Metric | Value |\n" in results for phase in PHASES)
    assert "| mixed (baseline) |" in results
    assert "| phase3 (generation) |" in results
    assert all(f"| {category} | 2 |" in results for category in TASKS)


@pytest.mark.slow
def test_the_whole_chain_is_one_command(tmp_path: Path) -> None:
    """Each phase ends with an adapter of its own, measured on every category; a dataset without a phase is refused."""
    punie = Commands(tmp_path, dict(os.environ))
    import_rows(punie)
    punie.well("train", "data", "--curriculum", "strandset", *SHORT, "--output", "adapters/chain")
    matrix = read_matrix(tmp_path / "adapters" / "chain")
    assert matrix is not None
    assert [(point.name, point.iterations) for point in matrix.checkpoints] == [
        (START, 0),
        *((phase, 1) for phase in PHASES),
    ]
    assert {path.name for path in (tmp_path / "adapters" / "chain" / "stages").iterdir()} == set(PHASES)

    rows = [row for _, row in read_jsonl(tmp_path / "data" / "train.jsonl") if row["category"] == "code_search"]
    write_jsonl(tmp_path / "narrow" / "train.jsonl", rows)
    refused = punie("train", "narrow", "--curriculum-phase", "annotation", *SHORT, "--output", "adapters/none")
    assert refused.returncode == 3
    assert "There are code_search." in refused.stderr
    assert not (tmp_path / "adapters" / "none").exists()
