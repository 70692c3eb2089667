"""The rows on which checkpoints are compared: the same ones whatever the seed, the order of the file and the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from punie.curriculum.rows import Range
from punie.data.schema import row_label
from punie.files import hash_value
from punie.training.plan import TrainingPlan
from punie.training.stage import Stage

PER_CATEGORY = 32
"""Rows of each category that are measured where the plan says nothing."""

CATEGORY = "category"
"""The field by which rows are told apart where no stage selects by another."""

FULL = "full set"


@dataclass(frozen=True, slots=True)
class FixedRows:
    """Indices into the rows of a file, by category; those of the full set stand under FULL."""

    field: str
    per_category: int
    sets: Mapping[str, tuple[int, ...]]
    hash: str

    @property
    def indices(self) -> list[int]:
        """Every row that is in a set, once."""
        return sorted({index for indices in self.sets.values() for index in indices})


def rows_per_category(plan: TrainingPlan) -> int:
    """What the plan asks for; 0 for no matrix. Without a word of it, runs with stages have one."""
    if plan.matrix_rows is not None:
        return plan.matrix_rows
    return PER_CATEGORY if plan.stages else 0


def rows_file(data: Path) -> Path | None:
    """Test rows, which had no say in which checkpoint became the adapter, or else validation rows."""
    return next((file for name in ("test", "valid") if (file := data / f"{name}.jsonl").is_file()), None)


def choose_rows(rows: Sequence[Mapping[str, Any]], plan: TrainingPlan) -> FixedRows:
    """Of each category the first rows in the order of their hashes; of all rows as many as the categories may have.

    So a category's set does not depend on the others, and the full set has the proportions of the file.
    """
    hashes, per_category = [hash_value(row) for row in rows], rows_per_category(plan)
    ordered = sorted(range(len(rows)), key=lambda index: (hashes[index], index))
    categories = _Categories.of(plan)
    sets: dict[str, list[int]] = {}
    for index in ordered:
        if (category := categories.name(row_label(rows[index], categories.field))) is not None:
            sets.setdefault(category, []).append(index)
    chosen = {category: tuple(sets[category][:per_category]) for category in sorted(sets)}
    chosen[FULL] = tuple(ordered[: per_category * max(1, len(sets))])
    named = {category: [hashes[index] for index in indices] for category, indices in chosen.items()}
    return FixedRows(categories.field, per_category, chosen, f"sha256:{hash_value(named)}")


def selected_categories(stage: Stage, field: str) -> tuple[str, ...]:
    """Those that a stage selects; none where it selects by something else, or everything."""
    wanted = [where.get(field, ()) for where in stage.conditions]
    named = [(each,) if isinstance(each, Range) else each for each in wanted]
    return tuple(dict.fromkeys(map(str, chain.from_iterable(named))))


@dataclass(frozen=True, slots=True)
class _Categories:
    """The labels of a field, the first by which a stage selects; where stages select by ranges, these."""

    field: str
    ranges: tuple[Range, ...]

    @classmethod
    def of(cls, plan: TrainingPlan) -> _Categories:
        conditions = [where for stage in plan.stages for where in stage.conditions]
        field = next(chain.from_iterable(conditions), CATEGORY)
        wanted = dict.fromkeys(where.get(field) for where in conditions)
        return cls(field, tuple(each for each in wanted if isinstance(each, Range)))

    def name(self, label: Any) -> str | None:
        if not self.ranges:
            return str(label) if isinstance(label, str | int) else None
        if isinstance(label, bool) or not isinstance(label, int | float):
            return None
        return next((str(each) for each in self.ranges if label in each), None)
