"""The way a dataset was made, from the folders of its ancestors."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from punie.data.compare.contamination import decontaminate
from punie.data.compare.items import Benchmark
from punie.data.compare.split import split
from punie.data.dataset import read_manifest
from punie.data.look.lineage import Step, lineage
from punie.data.writer import write_dataset

TASK = "return the largest of three given numbers without calling any function of the standard library"


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    """Eleven rows, of which one holds a task; then divided."""
    rows = [{"text": f"row {number} says something else altogether"} for number in range(10)]
    write_dataset(
        tmp_path / "raw", "raw", {"train": [*rows, {"text": f"Write a function to {TASK}."}]}, {"command": "import"}
    )
    exam = Benchmark.of("exam", [{"prompt": f"Write a function to {TASK}."}])
    decontaminate(tmp_path / "raw", tmp_path / "clean", against=[exam])
    split(tmp_path / "clean", tmp_path / "split", test=20, valid=20)
    return tmp_path


def commands(found: tuple[Step, ...]) -> list[tuple[str, int | None, int, int]]:
    return [(step.command, step.rows_in, step.removed, step.rows) for step in found]


def test_every_step_is_told_from_the_first_on(steps: Path) -> None:
    """What came in, what went, what came out, and what the rows were compared with."""
    found = lineage(steps / "split", read_manifest(steps / "split"))
    assert commands(found) == [("import", None, 0, 11), ("decontaminate", 11, 1, 10), ("split", 10, 0, 10)]
    assert [step.benchmarks for step in found] == [(), ("exam",), ()]


def test_an_ancestor_that_is_gone_or_another_ends_the_way(steps: Path) -> None:
    """Nothing is told about a folder that does not hold the rows any more."""
    shutil.rmtree(steps / "raw")
    manifest = read_manifest(steps / "split")
    assert [step.command for step in lineage(steps / "split", manifest)] == ["decontaminate", "split"]
    shutil.rmtree(steps / "clean")
    write_dataset(steps / "clean", "clean", {"train": [{"text": "another"}]}, {"command": "import"})
    assert [step.command for step in lineage(steps / "split", manifest)] == ["split"]


def test_a_recipe_says_what_it_compared_with(steps: Path) -> None:
    """`punie dataset build` names its benchmarks in a part of the recipe."""
    manifest = read_manifest(steps / "clean")
    recipe = {"command": "build", "decontaminate": {"against": ["exam.jsonl"]}}
    found = lineage(steps / "clean", manifest.model_copy(update={"recipe": recipe}))
    assert found[-1].benchmarks == ("exam.jsonl",)
