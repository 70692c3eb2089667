"""Phases by kind of task: the preset for Strandset, one phase of several, and datasets that lack a kind."""

from __future__ import annotations

import pytest
import yaml
from strandset import strandset_rows

from punie.curriculum.curriculum import Curriculum, parse_curriculum
from punie.curriculum.phases import narrowed, only, preset_file
from punie.curriculum.rows import select_rows
from punie.data.fetch.importers.strandset import TASKS, convert_strandset
from punie.errors import DataError, UsageError

ROWS = [convert_strandset(row) for row in strandset_rows()]


@pytest.fixture
def preset() -> Curriculum:
    file = preset_file("strandset")
    assert file is not None
    return parse_curriculum(yaml.safe_load(file.read_text()), str(file))


def test_the_preset_divides_the_fifteen_categories(preset: Curriculum) -> None:
    """Each is in one phase, and rows in the dataset's own schema are selected by them."""
    assert [phase.name for phase in preset.phases] == ["understanding", "annotation", "generation"]
    categories = [label for phase in preset.phases for label in (phase.where or {})["category"]]
    assert sorted(categories) == sorted(TASKS)
    sizes = [len(select_rows(phase.where, ROWS, phase.name, "rows")) for phase in preset.phases]
    assert sizes == [40, 40, 70]


def test_a_preset_does_without_the_categories_that_are_not_there(preset: Curriculum) -> None:
    """And says so; nothing is said where all are there."""
    assert narrowed(preset, ROWS) == (preset, ())
    rows = [row for row in ROWS if row["category"] not in {"code_search", "code_summarization"}]
    curriculum, notes = narrowed(preset, rows)
    assert [label for phase in curriculum.phases for label in (phase.where or {})["category"]] == [
        label
        for phase in preset.phases
        for label in (phase.where or {})["category"]
        if label not in {"code_search", "code_summarization"}
    ]
    assert notes == (
        "phase understanding: there are no rows of code_summarization",
        "phase generation: there are no rows of code_search",
    )


def test_a_phase_without_any_rows_is_an_error_that_lists_the_categories(preset: Curriculum) -> None:
    """It is never trained on nothing, and never on everything."""
    rows = [row for row in ROWS if row["category"] in {"code_search", "code_generation"}]
    curriculum, _ = narrowed(preset, rows)
    with pytest.raises(DataError, match="selects no rows") as caught:
        select_rows(curriculum.phases[0].where, rows, "Phase understanding", "rows")
    assert caught.value.hint == "There are code_generation, code_search."


def test_one_phase_can_be_taken_by_its_name(preset: Curriculum) -> None:
    """A name that is none is answered with those there are."""
    assert only(preset, "annotation", "here").phases == preset.phases[1:2]
    with pytest.raises(UsageError, match="no phase 'generate'") as caught:
        only(preset, "generate", "here")
    assert caught.value.hint == "Did you mean generation? Phases: understanding, annotation, generation."
    assert preset_file("absent") is None
