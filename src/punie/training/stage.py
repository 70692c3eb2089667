"""The stages of a run: each learns from its own view of the rows, in its own order, for its own time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated, Literal

from pydantic import Field

from punie.curriculum.mix import Mix, Part
from punie.curriculum.pace import Pace, Restart
from punie.curriculum.rows import Where


class Stage(Pace):
    """A part of a run. Its name is also that of its folder in `stages`."""

    iters: Annotated[int, Field(ge=1)]
    epochs: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """The passes over the rows of this stage that `iters` was computed from, where they were asked for."""
    where: Where | None = None
    """Which rows; None for all, or for those of `mix`."""
    mix: Mix | None = None
    """Several kinds of rows, as a curriculum shows them, instead of `where`."""
    order: Literal["shuffled", "given"] = "shuffled"
    """Anew in every pass, or as the rows stand in the file."""
    restart: Restart = "none"
    """What begins anew: nothing; the schedule of the learning rate; or that and what the optimizer remembers."""

    @property
    def shows(self) -> Mix:
        """Its rows, however they are named."""
        return self.mix or Mix(parts=(Part(phase=self.name, where=self.where),))

    @property
    def adaptive(self) -> bool:
        """Whether validation losses decide what it shows."""
        return self.shows.ladder is not None

    @property
    def conditions(self) -> list[Where]:
        """By which it selects its rows; a part of all rows has none."""
        return [part.where for part in self.shows.parts if part.where]


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
        if stage.mix and (stage.where or stage.order == "given"):
            return f"stage {stage.name} has a mix, which says its rows and their order; leave where and order out"
        if stage.adaptive and len(stages) > 1:
            return f"stage {stage.name} is adaptive, which only the single stage of a run can be"
    if len({stage.name for stage in stages}) < len(stages):
        return "two stages have the same name"
    if stages and stages[0].restart != "none":
        return f"stage {stages[0].name} is the first one, there is nothing to restart"
    if stages and sum(stage.iters for stage in stages) != iters:
        return "iters is not the sum of the stages' iters"
    return None
