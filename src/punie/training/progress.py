"""How far a run has come, readable from its saved state without loading it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

from punie.errors import UsageError
from punie.files import open_input


class Validation(NamedTuple):
    """Mean loss in nats on the validation rows after so many iterations."""

    iteration: int
    loss: float


@dataclass(frozen=True, slots=True)
class Progress:
    """Over all sessions of a run. `model_hash` and `data_hash` say what it was trained from and on."""

    model_hash: str
    data_hash: str
    iteration: int = 0
    tokens: int = 0
    trained_tokens: int = 0
    seconds: float = 0.0
    validations: tuple[Validation, ...] = ()

    def to_metadata(self) -> dict[str, str]:
        """As safetensors carries it: text by name."""
        return {"format": "punie-state-1", "progress": msgspec.json.encode(self).decode()}


def read_progress(state: Path) -> Progress:
    """Read the header of a saved state (safetensors: 8 bytes of length, then JSON). Raises UsageError."""
    with open_input(state) as file:
        try:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
            return msgspec.json.decode(header["__metadata__"]["progress"], type=Progress)
        except (ValueError, KeyError, msgspec.DecodeError) as error:
            raise UsageError("This is not a saved training state.", where=str(state)) from error
