"""How far a run has come, readable from its saved state without loading it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

from punie.errors import UsageError
from punie.files import open_input
from punie.training.ladder import Judged
from punie.training.scores import Score

STATE_FORMAT = "punie-state-4"
"""Changes with what a saved state holds and with the order in which a seed draws rows: a run goes on as it began."""


class Validation(NamedTuple):
    """Mean loss in nats on the validation rows after so many iterations."""

    iteration: int
    loss: float


@dataclass(frozen=True, slots=True)
class Progress:
    """Over all sessions of a run. `model_hash` and `data_hash` say what it was trained from and on."""

    model_hash: str
    data_hash: str
    start_hash: str | None = None
    """Of the adapter that gave the first weights, where there was one."""
    iteration: int = 0
    stage: str | None = None
    tokens: int = 0
    trained_tokens: int = 0
    seconds: float = 0.0
    validations: tuple[Validation, ...] = ()
    judged: tuple[Judged, ...] = ()
    """Of an adaptive stage."""
    scores: tuple[Score, ...] = ()

    def to_metadata(self) -> dict[str, str]:
        """As safetensors carries it: text by name."""
        return {"format": STATE_FORMAT, "progress": msgspec.json.encode(self).decode()}


def read_progress(state: Path) -> Progress:
    """Read the header of a saved state (safetensors: 8 bytes of length, then JSON).

    Raises UsageError for another file, and for a state of another format.
    """
    with open_input(state) as file:
        try:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, state.stat().st_size)))
            metadata = header["__metadata__"]
            if (found := metadata["format"]) == STATE_FORMAT:
                return msgspec.json.decode(metadata["progress"], type=Progress)
        except (ValueError, KeyError, TypeError, msgspec.DecodeError) as error:
            raise UsageError("This is not a saved training state.", where=str(state)) from error
    raise UsageError(
        f"Another version of Punie saved this training: it wrote {found}, this one goes on from {STATE_FORMAT}.",
        where=str(state),
        hint="Train into a new folder, or go on with the version that began.",
    )
