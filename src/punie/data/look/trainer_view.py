"""One row as the trainer will see it: rendered and tokenized by mlx-lm, with what is learned told from what is not."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Literal

import msgspec

from punie.data.source import SourceRow
from punie.errors import DataError, UsageError
from punie.files import open_input, write_json
from punie.process import Child

WORKER = "punie.data.look.trainer_view_worker"


class Task(msgspec.Struct, frozen=True):
    """What the child is asked."""

    model: str
    row: dict[str, Any]
    mask_prompt: bool
    max_seq_length: int


class Piece(msgspec.Struct, frozen=True):
    """Tokens in a row that share a fate: learned, masked as part of the prompt, or cut off."""

    fate: Literal["learned", "masked", "cut"]
    tokens: int
    text: str


class TrainerView(msgspec.Struct, frozen=True, tag="view"):
    """A whole row, piece by piece."""

    pieces: list[Piece]

    def tokens(self, fate: str) -> int:
        return sum(piece.tokens for piece in self.pieces if piece.fate == fate)


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """Why there is nothing to see, and whether the row is at fault or the model."""

    message: str
    by_row: bool


def view_row(row: SourceRow, model: Path, *, mask_prompt: bool, max_seq_length: int) -> TrainerView:
    """Ask a child, since mlx-lm is loaded in children only.

    Raises DataError where the row is refused, UsageError where the model has no tokenizer or no template.
    """
    with tempfile.TemporaryDirectory(prefix="punie-") as scratch:
        task, answer = Path(scratch) / "task.json", Path(scratch) / "answer.json"
        write_json(task, msgspec.to_builtins(Task(str(model), row.row, mask_prompt, max_seq_length)))
        with Child(WORKER, str(task), str(answer), log=Path(scratch) / "log") as child:
            if child.wait() != 0:
                raise UsageError("Rendering the row broke.", where=str(model), hint=child.last_lines())
        with open_input(answer) as file:
            found = msgspec.json.decode(file.read(), type=TrainerView | Refused)
    match found:
        case Refused(message=message, by_row=True):
            raise DataError(message, where=row.where)
        case Refused(message=message):
            raise UsageError(message, where=str(model))
        case _:
            return found
