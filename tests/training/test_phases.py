"""What a request makes of a phase by its name: a stage over the rows of its categories, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from strandset import strandset_rows

from punie.data.fetch.importers.strandset import convert_strandset
from punie.errors import DataError, UsageError
from punie.files import write_jsonl, write_text
from punie.training.request import Layer, Request, requested_plan
from punie.training.views import stage_views

ROWS = [convert_strandset(row) for row in strandset_rows()]
OWN = """
phases:
  - {name: names, where: {category: [function_naming, variable_naming]}, epochs: 2}
  - {name: rest, where: {category: code_search}, epochs: 1, learning_rate: 1e-4}
restart: rate
"""


def request(folder: Path, rows: list[dict[str, Any]] = ROWS, **asked: object) -> Request:
    write_jsonl(folder / "train.jsonl", rows)
    given = {"model": "tiny", "data": str(folder), "adapter_path": str(folder / "run"), "batch_size": 4, **asked}
    return requested_plan(Layer(given, "options"), defaults=lambda _: {"iters": 100})


def seen(made: Request, rows: list[dict[str, Any]] = ROWS) -> list[set[str]]:
    """The categories of each stage's rows."""
    views = stage_views(made.plan.stages, rows, "rows")
    return [{rows[index]["category"] for index in view.rows} for view in views]


def test_a_phase_of_the_preset_is_a_run_over_its_categories(tmp_path: Path) -> None:
    """As long as the run is asked to be, in iterations or in passes over its own rows."""
    made = request(tmp_path, curriculum_phase="understanding", epochs=1)
    assert [(stage.name, stage.iters) for stage in made.plan.stages] == [("understanding", 10)]
    assert seen(made) == [{"code_explanation", "code_summarization", "code_review", "bug_detection"}]
    assert made.plan.iters == 10
    assert request(tmp_path, curriculum_phase="understanding", iters=7).plan.iters == 7


def test_the_preset_by_its_name_is_all_phases(tmp_path: Path) -> None:
    """And what the rows lack is said."""
    rows = [row for row in ROWS if row["category"] not in {"code_search", "code_summarization"}]
    made = request(tmp_path, rows, curriculum="strandset", iters=30)
    assert [(stage.name, stage.iters, stage.restart) for stage in made.plan.stages] == [
        ("understanding", 10, "none"),
        ("annotation", 10, "all"),
        ("generation", 10, "all"),
    ]
    assert set.union(*seen(made, rows)) == {row["category"] for row in rows}
    assert "phase generation: there are no rows of code_search" in made.notes


def test_phases_of_ones_own_come_from_a_file(tmp_path: Path) -> None:
    """All of them, with lengths and rates of their own, or one of them."""
    write_text(tmp_path / "own.yaml", OWN)
    made = request(tmp_path, curriculum=str(tmp_path / "own.yaml"))
    assert [(stage.name, stage.iters, stage.learning_rate) for stage in made.plan.stages] == [
        ("names", 10, None),
        ("rest", 3, 1e-4),
    ]
    made = request(tmp_path, curriculum=str(tmp_path / "own.yaml"), curriculum_phase="rest")
    assert seen(made) == [{"code_search"}]


def test_a_phase_that_cannot_be_had_is_refused(tmp_path: Path) -> None:
    """An unknown name lists the phases; rows of other categories, the categories."""
    with pytest.raises(UsageError, match="no phase 'reading'"):
        request(tmp_path, curriculum_phase="reading")
    with pytest.raises(DataError) as caught:
        rows = [row for row in ROWS if row["category"] == "code_search"]
        stage_views(request(tmp_path, rows, curriculum_phase="annotation").plan.stages, rows, "rows")
    assert caught.value.hint == "There are code_search."
    with pytest.raises(DataError) as caught:
        write_text(tmp_path / "own.yaml", OWN)
        request(tmp_path, rows, curriculum=str(tmp_path / "own.yaml"))
    assert caught.value.hint == "There are code_search."
