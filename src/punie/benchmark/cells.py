"""What a training child found when it took the steps of a cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from punie.benchmark.asking import ask
from punie.benchmark.grid import Cell
from punie.training.metrics import Failed
from punie.training.needs import Needs
from punie.training.plan import TrainingPlan
from punie.training.workload import Widest, Work

WORKER = "punie.benchmark.cells_worker"


class Loaded(msgspec.Struct, frozen=True, tag_field="event", tag="loaded"):
    """A child is ready to measure."""

    load_seconds: float


class Measured(msgspec.Struct, frozen=True, tag_field="event", tag="measured"):
    """Steady steps only; the first is apart. `seconds` are medians; `fastest` and `slowest` of the same steps."""

    cell: Cell
    steps: int
    seconds: float
    fastest: float
    slowest: float
    cpu_seconds: float
    """Of the training process, all its threads."""
    first_seconds: float
    """Of the first step, which also pays for traces and kernels."""
    validation_seconds: float
    """Of one pass over the same rows."""
    tokens: int
    """Without padding."""
    peak_memory: int
    needs: Needs
    """What training itself would have estimated."""
    work: Work
    """Of one step."""
    widest: Widest
    loss_route: str

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds


class TooLarge(msgspec.Struct, frozen=True, tag_field="event", tag="too_large"):
    """A cell that was not tried, because its estimate is above what may be used."""

    cell: Cell
    needs: Needs


Found = Loaded | Measured | TooLarge

_DECODER = msgspec.json.Decoder(Found | Failed)


def measure(plan: TrainingPlan, cells: Sequence[Cell], steps: int) -> Iterator[Found]:
    """Each cell in turn, `steps` steps and a first one; cells of one arm share a child and its model.

    Raises what the child raises.
    """
    for arm in _arms(cells):
        asked = {"plan": plan.model_dump(mode="json"), "cells": msgspec.to_builtins(arm), "steps": steps}
        yield from ask(WORKER, asked, _DECODER, "Nothing could be measured")


def _arms(cells: Sequence[Cell]) -> Iterator[list[Cell]]:
    """mlx-lm's checkpointing changes a class for good, so a cell that is checkpointed has a child of its own."""
    for (_, checkpointed), arm in groupby(cells, key=lambda cell: (cell.num_layers, cell.grad_checkpoint)):
        together = list(arm)
        yield from ([cell] for cell in together) if checkpointed else [together]
