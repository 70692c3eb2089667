"""The cross-phase matrix: every checkpoint of a curriculum on the same rows of every category; what was forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec
from pydantic import BaseModel, ConfigDict, ValidationError

from punie.errors import DataError
from punie.files import read_json
from punie.training.adapter import AdapterFolder
from punie.training.fixed_rows import FULL
from punie.training.metrics import Doing, Failed

START = "before training"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Cell(_Value):
    """Of one checkpoint on one set of rows: mean loss in nats per learned token, and the share of these tokens that
    the model finds most probable."""

    loss: float
    right: float
    row_losses: tuple[float, ...]
    """Of each row the sum over its tokens, in an order that all checkpoints share."""
    row_tokens: tuple[int, ...]

    @property
    def tokens(self) -> int:
        return sum(self.row_tokens)

    @property
    def rows(self) -> int:
        return len(self.row_tokens)


class Checkpoint(_Value):
    """One line of the matrix. `iterations`, `updates` and `seconds` are those of the stage that ended with it."""

    name: str
    run: str
    """The adapter folder of the run it comes from."""
    stage: str | None
    selects: tuple[str, ...]
    """The categories of the stage; none for all."""
    weights_hash: str | None
    """None for a model without an adapter."""
    iterations: int
    updates: int
    seconds: float
    cells: dict[str, Cell]


class Basis(_Value):
    """What two matrices must share for their numbers to be compared."""

    model_hash: str
    rows_hash: str
    mask: str
    max_seq_length: int
    overlong: str


class Matrix(_Value):
    """`run/matrix.json`."""

    format: Literal[1] = 1
    basis: Basis
    rows_file: str
    field: str
    per_category: int
    checkpoints: tuple[Checkpoint, ...]
    """In the order of training; those of the runs that this one began from come first."""
    adapter: str
    """The name of the checkpoint that is the run's adapter."""
    notes: tuple[str, ...] = ()

    @property
    def categories(self) -> list[str]:
        """The full set is the last one."""
        return [*(label for label in self.checkpoints[-1].cells if label != FULL), FULL]

    @property
    def final(self) -> Checkpoint:
        """What training ended with, whichever checkpoint became the adapter."""
        return next((point for point in reversed(self.checkpoints) if point.stage), self.checkpoints[-1])

    def forgotten(self, category: str) -> tuple[float, ...]:
        """By how much the final loss is above the lowest of the stages before, as a number for each row.

        Their mean is the difference of both losses, in nats; negative where the final one is lower. Their spread is
        that of this difference, a ratio of sums over rows of unlike lengths (linearised; Cochran 1977, section 6.4).
        Nothing where no stage came before.
        """
        stages = [point for point in self.checkpoints if point.stage and point is not self.final]
        earlier = [point.cells[category] for point in stages if category in point.cells]
        if not earlier:
            return ()
        best, final = min(earlier, key=lambda cell: cell.loss), self.final.cells[category]
        rise, mean_length = final.loss - best.loss, final.tokens / final.rows
        rows = zip(final.row_losses, best.row_losses, final.row_tokens, strict=True)
        return tuple(rise + (now - then - rise * tokens) / mean_length for now, then, tokens in rows)

    def loss_of(self, point: Checkpoint) -> float | None:
        """Over the categories that its stage learned from, each token weighing alike; None where there is none."""
        cells = [point.cells[label] for label in point.selects or [FULL] if label in point.cells]
        tokens = sum(cell.tokens for cell in cells)
        return sum(cell.loss * cell.tokens for cell in cells) / tokens if tokens else None


class Measured(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="measured"):
    """What the measuring child says of a checkpoint: of each row of a set its summed loss, right tokens, and tokens."""

    name: str
    sets: dict[str, list[tuple[float, int, int]]]
    per_category: int
    rows_hash: str


DECODER: msgspec.json.Decoder[Doing | Failed | Measured] = msgspec.json.Decoder(Doing | Failed | Measured)


def read_matrix(folder: Path) -> Matrix | None:
    """That of an adapter folder, or None where none was measured. Raises DataError at one of another format."""
    path = AdapterFolder(folder).matrix
    if not path.is_file():
        return None
    try:
        return Matrix.model_validate(read_json(path))
    except ValidationError as error:
        raise DataError("Not a cross-phase matrix this version can read.", where=str(path)) from error
