"""What a run was expected to take, written beside it when it began."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from punie.files import read_json, write_json


class Prediction(BaseModel):
    """Seconds of training steps and validations; loading, tokenizing and scoring are not in them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    seconds: float
    plus_minus: float
    """Seconds."""
    peak_memory: int | None
    """Bytes; None where the benchmark was of another choice of what learns."""
    measured: str
    """When the benchmark was made that it follows from."""


def write_prediction(path: Path, prediction: Prediction) -> None:
    write_json(path, prediction.model_dump())


def read_prediction(path: Path) -> Prediction | None:
    """None where nothing was foretold."""
    return Prediction.model_validate(read_json(path)) if path.is_file() else None
