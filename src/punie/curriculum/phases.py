"""Phases by kind of task: presets that come along, one phase out of several, and what of them a dataset has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any

from punie.curriculum.curriculum import Curriculum, Phase, parse_curriculum
from punie.curriculum.rows import Range
from punie.data.schema import row_label
from punie.errors import UsageError

DEFAULT_PRESET = "strandset"
"""Where a phase is named without a file."""

_FOLDER = Path(str(files("punie.curriculum") / "presets"))


def preset_file(name: str) -> Path | None:
    """The file of a preset, or None where `name` is none."""
    return next((file for file in _FOLDER.glob("*.yaml") if file.stem == name), None)


def only(curriculum: Curriculum, name: str, where: str) -> Curriculum:
    """One of its phases alone. Raises UsageError where there is none of this name."""
    phases = {phase.name: phase for phase in curriculum.phases}
    if name not in phases:
        close = get_close_matches(name, phases, 1)
        meant = f"Did you mean {close[0]}? " if close else ""
        raise UsageError(
            f"The curriculum has no phase {name!r}.", where=where, hint=f"{meant}Phases: {', '.join(phases)}."
        )
    return Curriculum(phases=(phases[name],))


def with_epochs(curriculum: Curriculum, epochs: Any, where: str) -> Curriculum:
    """Each phase as long as so many passes over its own rows. Raises UsageError where that is no number above 0."""
    phases = [{**phase.model_dump(), "epochs": epochs} for phase in curriculum.phases]
    return parse_curriculum({**curriculum.model_dump(), "phases": phases}, where)


def narrowed(curriculum: Curriculum, rows: Sequence[Mapping[str, Any]]) -> tuple[Curriculum, tuple[str, ...]]:
    """A preset without the labels that no row has, and a note for each phase that lost some.

    A phase that would lose all labels of a field keeps them: selecting its rows is an error that lists what there is.
    """
    found = [_narrowed(phase, rows) for phase in curriculum.phases]
    notes = tuple(f"phase {phase.name}: there are no rows of {', '.join(lost)}" for phase, lost in found if lost)
    return curriculum.model_copy(update={"phases": tuple(phase for phase, _ in found)}), notes


def _narrowed(phase: Phase, rows: Sequence[Mapping[str, Any]]) -> tuple[Phase, list[str]]:
    where, lost = dict(phase.where or {}), list[str]()
    for field, wanted in where.items():
        there = {label for row in rows if isinstance(label := row_label(row, field), str | int)}
        if not isinstance(wanted, Range) and (kept := tuple(label for label in wanted if label in there)):
            lost += [str(label) for label in wanted if label not in there]
            where[field] = kept
    return phase.model_copy(update={"where": where or None}), lost
