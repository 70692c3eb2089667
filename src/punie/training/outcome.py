"""What came of a training run, recorded beside its adapter."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from punie.errors import DataError, UsageError
from punie.files import read_json
from punie.moments import now
from punie.training.adapter import Adapter, AdapterFolder
from punie.training.metrics import Done, Echo, MemoryNeeds, Metric, Scored, ValidLoss
from punie.training.plan import TrainingPlan
from punie.training.scores import Score
from punie.training.selection import Selection


class TrainingOutcome(BaseModel):
    """`run/outcome.json`, which exists only beside a whole adapter. Losses in nats, seconds in training steps."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    status: Literal["done"] = "done"
    adapter_path: str
    adapter_hash: str
    model: str
    model_hash: str
    data: str
    data_hash: str
    iterations: int
    stopped_early: bool
    selection: Selection
    """The checkpoint that became the adapter; `valid_loss` is its loss too."""
    scores: tuple[Score, ...] = ()
    """Of every checkpoint that was scored, in order; none of them is the run's result, which takes other cases."""
    train_loss: float
    first_valid_loss: float | None
    valid_loss: float | None
    seconds: float
    tokens: int
    trained_tokens: int
    peak_memory: int
    estimated_memory: int | None
    """Before the first step; mlx-lm's loop is not estimated."""
    trainable_parameters: int
    total_parameters: int
    versions: dict[str, str]
    finished: str = ""
    """When, in UTC; this and the machine are empty in a record that does not say."""
    machine: str = ""


def read_outcome(folder: Path) -> TrainingOutcome:
    """Raises UsageError where no finished training is recorded, DataError where the record is of another format."""
    path = AdapterFolder(folder).outcome
    try:
        return TrainingOutcome.model_validate(read_json(path))
    except ValueError as error:
        raise DataError("Not the outcome of a training run this version can read.", where=str(path)) from error


def require_trained_on(model_hash: str, folder: Path) -> None:
    """Raises UsageError where an adapter's own record, if it has one, says that it was trained on another model."""
    if not AdapterFolder(folder).outcome.is_file() or (outcome := read_outcome(folder)).model_hash == model_hash:
        return
    raise UsageError(
        f"Training cannot begin with this adapter: it was trained on another model, {outcome.model}.",
        where=str(folder),
        hint="Give that as --model.",
    )


def summarize(plan: TrainingPlan, adapter: Adapter, metrics: tuple[Metric, ...]) -> TrainingOutcome:
    """The record of a run, from its own last words."""
    echo = next(metric for metric in reversed(metrics) if isinstance(metric, Echo))
    done = next(metric for metric in reversed(metrics) if isinstance(metric, Done))
    first = next((metric.loss for metric in metrics if isinstance(metric, ValidLoss)), None)
    return TrainingOutcome(
        adapter_path=str(adapter.folder),
        adapter_hash=adapter.hash,
        model=plan.model,
        model_hash=echo.model_hash,
        data=plan.data,
        data_hash=echo.data_hash,
        iterations=done.iterations,
        stopped_early=done.stopped_early,
        selection=done.selection,
        scores=tuple(metric.score for metric in metrics if isinstance(metric, Scored)),
        train_loss=done.train_loss,
        first_valid_loss=first,
        valid_loss=done.selection.loss,
        seconds=done.seconds,
        tokens=done.tokens,
        trained_tokens=done.trained_tokens,
        peak_memory=done.peak_memory,
        estimated_memory=next((m.needs.total for m in reversed(metrics) if isinstance(m, MemoryNeeds)), None),
        trainable_parameters=echo.trainable_parameters,
        total_parameters=echo.total_parameters,
        versions=echo.versions,
        finished=now(),
        machine=machine(),
    )


def machine() -> str:
    """This one, as records name it."""
    return f"{platform.platform()}, {os.cpu_count()} cores"
