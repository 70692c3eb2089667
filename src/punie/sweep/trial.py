"""One setting measured once: what was asked, what came back as proof, and its figure, or why it has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from punie.errors import DataError
from punie.files import read_json
from punie.sweep.space import Setting

RECORD = "trial.json"


@dataclass(frozen=True, slots=True)
class Trial:
    """A setting, trained for `length` where settings are halved, with one seed."""

    setting: Setting
    seed: int
    rung: int = 0
    length: float | None = None

    @property
    def name(self) -> str:
        return f"{self.setting.number:03}-rung{self.rung}-seed{self.seed}"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Arrived(_Record):
    """A field that the sweep changes, as the process that used it read it back."""

    field: str
    asked: Any
    found: Any


class ScoreRecord(_Record):
    """Answers to the dev half of the suite: so many right, `effective` independent ones, and the 95 % interval."""

    right: int
    counted: int
    share: float
    low: float
    high: float
    effective: float


class TrialRecord(_Record):
    """`trial.json`: a trial that has ended, one way or the other."""

    format: Literal[1] = 1
    name: str
    setting: int
    rung: int
    seed: int
    length: float | None
    train: Mapping[str, Any]
    sampling: Mapping[str, Any]
    status: Literal["done", "failed"]
    stage: Literal["training", "asking", ""] = ""
    """In which it failed."""
    reason: str = ""
    adapter: str | None = None
    """The name of its folder among the adapters."""
    valid_loss: float | None = None
    score: ScoreRecord | None = None
    arrived: tuple[Arrived, ...] = ()
    seconds: float
    """Of the session that ended it: a training that was shared, or interrupted before, is not counted again."""
    finished: str

    @property
    def done(self) -> bool:
        return self.status == "done"


def read_trial(folder: Path) -> TrialRecord | None:
    """None where the trial has not ended. Raises DataError where its record is broken."""
    path = folder / RECORD
    if not path.is_file():
        return None
    try:
        return TrialRecord.model_validate(read_json(path))
    except ValueError as error:
        what = "Not the record of a trial that this version can read."
        raise DataError(what, where=str(path), hint="Delete the trial's folder to have it measured again.") from error
