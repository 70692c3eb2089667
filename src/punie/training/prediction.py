"""What a run was expected to take, written beside it before it began."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from punie.files import read_json, write_json


class Prediction(BaseModel):
    """Seconds of training steps and of validations, loading and tokenizing apart; `plus_minus` is in seconds too."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float
    plus_minus: float
    peak_memory: int | None = None
    """Bytes; None where only the time was asked for."""
    source: str
    """The saved benchmark it follows from."""


def write_prediction(path: Path, prediction: Prediction) -> None:
    write_json(path, prediction.model_dump())


def read_prediction(path: Path) -> Prediction | None:
    """None where nothing was foretold."""
    return Prediction.model_validate(read_json(path)) if path.is_file() else None
