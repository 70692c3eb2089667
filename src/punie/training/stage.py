"""The stages of a run: each learns from its own view of the rows, in its own order, for its own time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from punie.data.schema import row_label
from punie.errors import DataError
from punie.training.schedule import Shape

Restart = Literal["none", "rate", "all"]
Label = str | int | bool

RATE_KEYS = {"learning_rate", "schedule", "warmup", "initial_learning_rate", "final_learning_rate", "decay"}
_SHOWN = 20


class Stage(BaseModel):
    """A part of a run. What it leaves at None is the plan's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    """Also the name of its folder in `stages`."""
    iters: Annotated[int, Field(ge=1)]
    epochs: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """The passes over the rows of this stage that `iters` was computed from, where they were asked for."""
    where: dict[str, tuple[Label, ...]] | None = None
    """Which rows: for each of these fields, of the row or of its `metadata`, one of these values. None for all."""
    order: Literal["shuffled", "given"] = "shuffled"
    """Anew in every pass, or as the rows stand in the file."""
    restart: Restart = "none"
    """What begins anew: nothing; the schedule of the learning rate; or that and what the optimizer remembers."""
    learning_rate: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    schedule: Shape | None = None
    warmup: Annotated[int, Field(ge=0)] | None = None
    initial_learning_rate: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    final_learning_rate: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    decay: Annotated[int, Field(ge=1)] | None = None

    @property
    def rate_values(self) -> dict[str, Any]:
        """What this stage says about its learning rate, by the names of the plan's fields."""
        return {key: value for key in sorted(RATE_KEYS) if (value := getattr(self, key)) is not None}


def starts(stages: Sequence[Stage]) -> list[int]:
    """The iteration at which each begins."""
    return [0, *accumulate(stage.iters for stage in stages)][:-1]


def stage_problem(stages: Sequence[Stage], iters: int, batches_per_update: int) -> str | None:
    """Why a plan cannot hold these stages, if it cannot."""
    for stage in stages:
        if stage.iters % batches_per_update:
            return f"iters of stage {stage.name} is not a multiple of grad_accumulation_steps"
        if stage.restart == "none" and stage.rate_values and stage is not stages[0]:
            given = ", ".join(stage.rate_values)
            return f"stage {stage.name} has {given} of its own, so its restart must be rate or all"
    if len({stage.name for stage in stages}) < len(stages):
        return "two stages have the same name"
    if stages and stages[0].restart != "none":
        return f"stage {stages[0].name} is the first one, there is nothing to restart"
    if stages and sum(stage.iters for stage in stages) != iters:
        return "iters is not the sum of the stages' iters"
    return None


def select_rows(
    where: Mapping[str, Sequence[Label]] | None, rows: Sequence[Mapping[str, Any]], stage: str, place: str
) -> list[int]:
    """The rows a stage learns from, in their order. Raises DataError where one of the values selects nothing."""
    labels = {field: [_typed(row_label(row, field)) for row in rows] for field in where or {}}
    wanted = {field: [_typed(value) for value in values] for field, values in (where or {}).items()}
    chosen = [index for index in range(len(rows)) if all(labels[field][index] in wanted[field] for field in wanted)]
    for field, values in wanted.items():
        used = [labels[field][index] for index in chosen]
        for value in values:
            if value not in labels[field]:
                raise DataError(
                    f"Stage {stage} selects no rows: there is no row with {field} {value[1]!r}.",
                    where=place,
                    hint=_present(field, labels[field]),
                )
            if value not in used:
                raise DataError(
                    f"Stage {stage} selects no rows with {field} {value[1]!r}: they do not meet its other conditions.",
                    where=place,
                )
    if not chosen:
        raise DataError(f"Stage {stage} selects no rows.", where=place)
    return chosen


def _typed(label: Any) -> tuple[type, Any]:
    """For comparison: to Python, 1 is true."""
    return type(label), label


def _present(field: str, labels: Sequence[tuple[type, Any]]) -> str:
    there = sorted({str(label) for _, label in labels if label is not None})
    more = f" and {len(there) - _SHOWN} more" if len(there) > _SHOWN else ""
    return f"There are {', '.join(there[:_SHOWN])}{more}." if there else f"No row has a field {field}."
