"""What each stage of a run sees: its rows, and the steps that are made of them. Pure numpy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from punie.curriculum.rows import found_in, select_rows
from punie.training.batches import TokenRow
from punie.training.batching import RowsPerStep, TokensPerStep
from punie.training.rows import Split
from punie.training.stage import Stage, starts


@dataclass(frozen=True, slots=True)
class View:
    """A stage that begins at iteration `start`, with the indices of its rows and what was found in them."""

    stage: Stage
    start: int
    rows: Sequence[int]
    labels: dict[str, list[Any]] | None
    """Of each field that the stage selects by, the values that its rows have."""

    def values(self) -> dict[str, Any]:
        """The stage, as the echo tells it."""
        return {**self.stage.model_dump(include={"name", "iters", "order", "restart"}), "where": self.labels}


def stage_views(stages: Sequence[Stage], split: Split) -> tuple[View, ...]:
    """Raises DataError for a stage that selects nothing."""
    views = []
    for stage, start in zip(stages, starts(stages), strict=True):
        rows = select_rows(stage.where, split.rows, f"Stage {stage.name}", str(split.path))
        views.append(View(stage, start, rows, found_in([split.rows[index] for index in rows], stage.where)))
    return tuple(views)


def staged_order(
    views: Sequence[View], batching: RowsPerStep | TokensPerStep, rows: Sequence[TokenRow], seed: int, first: int
) -> Iterator[list[int]]:
    """The rows of each step from step `first` on, stage by stage; of all rows, endless, where there are no stages."""
    if not views:
        yield from batching.order(rows, seed, first)
    for number, view in enumerate(views):
        begun = max(first - view.start, 0)
        chosen = [rows[index] for index in view.rows]
        ordered = replace(batching, given=range(len(chosen))) if view.stage.order == "given" else batching
        steps = ordered.order(chosen, _stage_seed(seed, number), begun)
        for step in islice(steps, max(view.stage.iters - begun, 0)):
            yield [view.rows[index] for index in step]


def _stage_seed(seed: int, number: int) -> int:
    """The run's own for the first stage; stages over the same rows must not repeat each other's shuffles."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0]) if number else seed
