"""What an experiment of any kind leaves for the journal: what it was, and what it came to."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from punie import moments
from punie.errors import DataError
from punie.files import open_input, write_json

RECORD = "experiment.json"

Kind = Literal["chain", "curriculum", "self-improvement", "sweep"]


class ExperimentRecord(msgspec.Struct, frozen=True):
    """Its page is report.html in the same folder. `recorded`: when it came to that, in UTC."""

    kind: Kind
    headline: str
    recorded: str


def write_experiment(folder: Path, kind: Kind, headline: str) -> None:
    """What is drawn again and comes to the same keeps its time."""
    path = folder / RECORD
    if path.is_file():
        before = read_experiment(path)
        if (before.kind, before.headline) == (kind, headline):
            return
    write_json(path, msgspec.to_builtins(ExperimentRecord(kind, headline, moments.now())))


def read_experiment(path: Path) -> ExperimentRecord:
    """Raises DataError."""
    with open_input(path) as file:
        try:
            return msgspec.json.decode(file.read(), type=ExperimentRecord)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DataError(f"Not the record of an experiment: {error}.", where=str(path)) from error
