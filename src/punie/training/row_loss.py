"""How hard a model finds each row: the loss of its answer, before anything is taught. Asked of a child."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import msgspec

from punie import __version__, fingerprint
from punie.curriculum.measure import Figure, Measure, Unscored
from punie.data.progress import Progress, unheard, watched
from punie.data.source import Source, SourceRow, open_source, read_lines
from punie.errors import TrainingError
from punie.files import write_json
from punie.process import Child
from punie.training.metrics import Failed, follow

WORKER = "punie.training.row_loss_worker"


class Asked(msgspec.Struct, frozen=True):
    """What the child is asked; `after` is the mark behind which the learned part of a text begins."""

    source: str
    model: str
    max_seq_length: int
    after: str | None


class RowLoss(msgspec.Struct, frozen=True, tag_field="event", tag="loss"):
    """Nats per learned token, and how many of those the row has."""

    split: str
    line: int
    loss: float
    tokens: int

    @property
    def figure(self) -> Figure:
        return self.loss


class RowRefused(msgspec.Struct, frozen=True, tag_field="event", tag="refused"):
    """Why a row has no loss."""

    split: str
    line: int
    reason: str
    detail: str

    @property
    def figure(self) -> Figure:
        return Unscored(self.reason, self.detail)


Answered = RowLoss | RowRefused
_DECODER = msgspec.json.Decoder(Answered | Failed)


def loss_measure(
    path: Path,
    model: Path,
    *,
    max_seq_length: int = 2048,
    after: str | None = None,
    progress: Progress = unheard,
) -> Measure:
    """The mean loss of every row, in nats per token of its answers, or of its one text, up to `max_seq_length` tokens.

    Of a text only what follows the first `after` counts, where that is given. Raises what the child raises: UsageError
    and CapacityError where the model cannot be loaded; TrainingError with its last lines where it breaks.
    """
    asked = Asked(str(path), str(model), max_seq_length, after)
    found = {(row.split, row.line): row.figure for row in _answers(asked, progress)}

    def figure(row: SourceRow) -> Figure:
        return found[row.split, row.number]

    made_with = {
        **{"punie": __version__, "mlx": version("mlx"), "mlx-lm": version("mlx-lm")},
        **{"model": str(model), "model_hash": fingerprint.model(model)},
        **{"learned": f"answers, or of a text {'all' if after is None else f'what follows {after!r}'}"},
        **{"max_seq_length": str(max_seq_length)},
    }
    return Measure("loss", made_with, figure)


def _answers(asked: Asked, progress: Progress) -> Iterator[Answered]:
    """Row by row, in the order of `read_rows`."""
    total, done = _rows(open_source(Path(asked.source))), 0
    with tempfile.TemporaryDirectory(prefix="punie-") as scratch:
        question, answers = Path(scratch) / "asked.json", Path(scratch) / "answers.jsonl"
        write_json(question, msgspec.to_builtins(asked))
        answers.touch()
        with Child(WORKER, str(question), str(answers), log=Path(scratch) / "log") as child:
            said = follow(answers, lambda: child.poll() is None, _DECODER)
            for row in watched(said, progress, "asking the model", total):
                if isinstance(row, Failed):
                    raise row.to_error()
                done += 1
                yield row
            if done < total:
                raise TrainingError(f"The model answered for {done} of {total} rows.", hint=child.last_lines())


def _rows(source: Source) -> int:
    return sum(1 for path in source.splits.values() for _ in read_lines(path))
