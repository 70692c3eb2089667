"""What a training child says, one JSON line per event, and how it is read while it is written.

The lines of `run/metrics.jsonl` are the only source of numbers about a run; what is printed is kept as a log.
Sizes are in bytes, times in seconds. "Tokens" are all that went through the model, without padding; "trained tokens"
those that carried loss.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from punie import errors
from punie.errors import DataError, PunieError
from punie.files import atomic_writer, open_input
from punie.training.needs import Needs
from punie.training.scores import Score
from punie.training.selection import Selection
from punie.training.workload import Workload

_POLL_SECONDS = 0.1


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    pass


class Doing(_Event, frozen=True, kw_only=True, tag="doing"):
    """What takes a while and reports nothing else before it ends, as a few words for the person who waits."""

    what: str
    iteration: int


class Echo(_Event, frozen=True, kw_only=True, tag="echo"):
    """The proof that the plan arrived: for every field of it, what was read back from the objects that train."""

    values: dict[str, Any]
    first_iteration: int
    """Iterations done before, by an earlier session of the same run."""
    processes: int = 1
    layers: int
    trainable_parameters: int
    total_parameters: int
    train_rows: int
    valid_rows: int
    truncated_rows: int
    """Training rows longer than max_seq_length, from which not everything is learned."""
    removed_rows: int
    """Training rows that are not learned from at all; run/removed.jsonl says why, of validation rows too."""
    loss_route: str
    """Where logits are computed: at "learned positions", if possible only there "in the last layer too"; or everywhere
    ("full logits"), most of them for nothing."""
    model_hash: str
    data_hash: str
    start_hash: str | None = None
    """Of the adapter in `resume_from`."""
    load_seconds: float
    prepare_seconds: float
    versions: dict[str, str]
    workload: Workload | None = None
    """What the whole run computes; not known of mlx-lm's loop."""


class MemoryNeeds(_Event, frozen=True, kw_only=True, tag="memory"):
    """What a step is estimated to need at most, and what the run may use."""

    iteration: int
    needs: Needs
    limit: int


class Probed(_Event, frozen=True, kw_only=True, tag="probe"):
    """A check of the model before the first step, or after `iteration` of them, which are all."""

    iteration: int
    probe: str
    value: float | None
    """The figure it judges by; None where that is no number."""
    found: str
    advice: str
    """What it means and what to do; empty where the probe passed."""


class StageBegan(_Event, frozen=True, kw_only=True, tag="stage"):
    """From here on the run learns from other rows, for `iters` iterations."""

    iteration: int
    stage: str
    rows: int
    iters: int


class TrainLoss(_Event, frozen=True, kw_only=True, tag="train"):
    """Mean loss in nats over the iterations since the last report; `iteration` of them are done."""

    iteration: int
    stage: str | None = None
    phases: dict[str, int] = {}
    """Rows of each phase that were learned from since the last report; empty in a run without stages."""
    loss: float
    learning_rate: float
    gradient_norm: float | None
    """Of the last update's mean gradient; mlx-lm's loop does not tell."""
    iterations_per_second: float
    tokens_per_second: float
    tokens: int
    trained_tokens: int
    padding: float
    """Share of the computed positions since the last report."""
    supervised: float
    """Share of the tokens since the last report that carried loss."""
    active_memory: int
    peak_memory: int
    new_shapes: int
    """Iterations of this report that paid for something the next ones need not: mlx-lm's loop traces every new batch
    width, Punie's has only a first step."""


class ValidLoss(_Event, frozen=True, kw_only=True, tag="valid"):
    """Mean loss in nats per learned token, with the shares of padding and of learned tokens as in a TrainLoss."""

    iteration: int
    stage: str | None = None
    loss: float
    rows: int
    """Of all validation rows; the same ones every time."""
    seconds: float
    padding: float
    supervised: float


class PhaseLoss(_Event, frozen=True, kw_only=True, tag="phase"):
    """Of an adaptive stage: the loss as in a ValidLoss on the rows of its current phase, and the phase that follows."""

    iteration: int
    phase: str
    loss: float
    rows: int
    seconds: float
    next: str


class ScoreDue(_Event, frozen=True, kw_only=True, tag="score_due"):
    """Training waits: the adapter as it is now lies ready to be asked, and the score is expected from the parent."""

    iteration: int


class Scored(_Event, frozen=True, kw_only=True, tag="score"):
    """How the adapter did, and how many scorings are to come at most."""

    iteration: int
    score: Score
    left: int


class Saved(_Event, frozen=True, kw_only=True, tag="saved"):
    """A point from which the run can resume."""

    iteration: int


class Stopped(_Event, frozen=True, kw_only=True, tag="stopped"):
    """Ended on request after `iteration` iterations, which are saved."""

    iteration: int


class Failed(_Event, frozen=True, kw_only=True, tag="failed"):
    """One of Punie's own errors, by the name of its class."""

    error: str
    what: str
    where: str
    hint: str

    @classmethod
    def of(cls, error: PunieError) -> Failed:
        return cls(error=type(error).__name__, what=error.what, where=error.where, hint=error.hint)

    def to_error(self) -> PunieError:
        kind: type[PunieError] = getattr(errors, self.error)
        return kind(self.what, where=self.where, hint=self.hint)


class Done(_Event, frozen=True, kw_only=True, tag="done"):
    """Everything was trained and written. `seconds` were spent in training steps, over all sessions of the run."""

    selection: Selection
    stopped_early: bool
    """Whether patience ended the run before its last iteration."""

    iterations: int
    train_loss: float
    seconds: float
    tokens: int
    trained_tokens: int
    peak_memory: int


Metric = (
    Doing
    | Echo
    | MemoryNeeds
    | Probed
    | StageBegan
    | TrainLoss
    | ValidLoss
    | PhaseLoss
    | ScoreDue
    | Scored
    | Saved
    | Stopped
    | Failed
    | Done
)

DECODER = msgspec.json.Decoder(Metric)

_Line = TypeVar("_Line")


def append_metric(path: Path, metric: Metric) -> None:
    """Add one line in a single write."""
    with path.open("ab", buffering=0) as out:
        out.write(msgspec.json.encode(metric) + b"\n")


def read_metrics(path: Path) -> tuple[Metric, ...]:
    """All finished lines; the half line of a writer that was killed is left out. Raises UsageError, DataError."""
    with open_input(path) as file:
        *lines, _ = file.read().split(b"\n")
    return tuple(_decode(line, DECODER, f"{path}:{number}") for number, line in enumerate(lines, start=1))


def rewrite_metrics(path: Path, metrics: Iterable[Metric]) -> None:
    """Replace the file as a whole."""
    with atomic_writer(path) as out:
        out.writelines(msgspec.json.encode(metric) + b"\n" for metric in metrics)


def follow(
    path: Path, alive: Callable[[], bool], decoder: msgspec.json.Decoder[_Line], *, offset: int = 0
) -> Iterator[_Line]:
    """Yield what is written after `offset` bytes, as it comes, until the writer is gone and everything is read.

    Raises DataError at a line that the decoder refuses.
    """
    with open_input(path) as file:
        file.seek(offset)
        rest = b""
        while True:
            # Asked before reading, so that the last words of a dead writer are still read.
            writing = alive()
            *lines, rest = (rest + file.read()).split(b"\n")
            for line in lines:
                yield _decode(line, decoder, str(path))
            if not writing:
                return
            if not lines:
                time.sleep(_POLL_SECONDS)


def _decode(line: bytes, decoder: msgspec.json.Decoder[_Line], where: str) -> _Line:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"Not a metric: {error}.", where=where) from error
