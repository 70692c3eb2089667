"""What a training run's own folder says about it: what became of it, and whether it learned."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from punie.data.look.removed import RuleRemovals, read_removed
from punie.errors import UsageError
from punie.report import numbers
from punie.training.adapter import AdapterFolder
from punie.training.matrix import Matrix, read_matrix
from punie.training.metrics import (
    Done,
    Echo,
    Failed,
    MemoryNeeds,
    Metric,
    Probed,
    Scored,
    Stopped,
    TrainLoss,
    ValidLoss,
    read_metrics,
)
from punie.training.outcome import TrainingOutcome, read_outcome
from punie.training.plan import TrainingPlan
from punie.training.prediction import Prediction, read_prediction
from punie.training.request import load_plan
from punie.workspace import EMBEDDED_MODEL, is_embedded

HARDLY = 0.01
"""A loss that fell by a smaller share than this is not called learning."""

_Kind = TypeVar("_Kind", bound=Metric)


class Fate(StrEnum):
    """What became of a run. A silent one was killed, or still trains: its record does not tell which."""

    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """`outcome` exists only of a whole adapter; `metrics` are those of all sessions."""

    folder: AdapterFolder
    plan: TrainingPlan
    metrics: tuple[Metric, ...]
    outcome: TrainingOutcome | None
    removed: tuple[RuleRemovals, ...]
    matrix: Matrix | None
    """Of a finished run whose checkpoints were measured."""
    prediction: Prediction | None
    """Of a run whose model was measured before."""

    def told(self, kind: type[_Kind]) -> list[_Kind]:
        """The metrics of one kind, in order."""
        return [metric for metric in self.metrics if isinstance(metric, kind)]

    @property
    def fate(self) -> Fate:
        if self.outcome is not None:
            return Fate.DONE
        last = self.metrics[-1] if self.metrics else None
        return Fate.STOPPED if isinstance(last, Stopped) else Fate.FAILED if isinstance(last, Failed) else Fate.SILENT

    @property
    def reached(self) -> int:
        """Iterations of which the record knows."""
        return max((m.iteration for m in self.metrics if isinstance(m, TrainLoss | ValidLoss | Stopped)), default=0)

    @property
    def seconds(self) -> dict[str, float]:
        """By what they were spent on, over all sessions; after its last report a killed one told nothing."""
        reports, at, training = self.told(TrainLoss), 0, 0.0
        for report in reports:
            training += (report.iteration - at) / report.iterations_per_second
            at = report.iteration
        done = self.told(Done)
        return {
            "loading the model": sum(echo.load_seconds for echo in self.told(Echo)),
            "preparing rows": sum(echo.prepare_seconds for echo in self.told(Echo)),
            "training steps": done[-1].seconds if done else training,
            "validating": sum(valid.seconds for valid in self.told(ValidLoss)),
            "scoring": sum(scored.score.seconds for scored in self.told(Scored)),
        }

    @property
    def peak_memory(self) -> int:
        """Bytes."""
        return max((metric.peak_memory for metric in self.metrics if isinstance(metric, TrainLoss | Done)), default=0)

    @property
    def needs(self) -> MemoryNeeds | None:
        """The last estimate; mlx-lm's loop is not estimated."""
        return next(iter(reversed(self.told(MemoryNeeds))), None)

    @property
    def resumed_after(self) -> list[int]:
        """The iterations after which later sessions went on."""
        return [echo.first_iteration for echo in self.told(Echo)[1:]]

    @property
    def headline(self) -> str:
        """What became of it, in one sentence."""
        of = f"after {self.reached:,} of {self.plan.iters:,} iterations"
        if self.outcome is not None:
            return _learned(self.told(ValidLoss), self.outcome)
        match self.fate:
            case Fate.STOPPED:
                return f"Interrupted {of}."
            case Fate.FAILED:
                verb = "Diverged" if self._failure.error == "DivergedError" else "Failed"
                return f"{verb} {of}."
            case _:
                return f"Not finished: the record ends {of}."

    @property
    def evidence(self) -> list[str]:
        """What there is to say next, a sentence each."""
        if self.outcome is not None:
            return list(_choice(self.plan, self.outcome, self.told(ValidLoss)))
        match self.fate:
            case Fate.STOPPED:
                return ["Everything up to there is saved, and there is no adapter yet."]
            case Fate.FAILED:
                return [self._failure.what, *self._failure.hint.splitlines()]
            case _:
                return ["The process was killed, or it is still training.", "There is no adapter yet."]

    @property
    def evaluation_command(self) -> str:
        """What tells whether the model got better."""
        places = ["--adapter", str(self.folder.root), "--output", f"reports/{self.folder.root.name}"]
        return shlex.join(["punie", "eval", "--model", self.model, *places])

    @property
    def demonstration(self) -> bool:
        """Whether the embedded model was trained."""
        return is_embedded(Path(self.plan.model))

    @property
    def model(self) -> str:
        """As the command line calls it."""
        return EMBEDDED_MODEL if self.demonstration else self.plan.model

    @property
    def resumable(self) -> bool:
        return self.outcome is None and self.folder.state.is_file()

    @property
    def cautions(self) -> list[str]:
        """What somebody who uses the adapter should know first."""
        found, echoes = list[str](), self.told(Echo)
        if echoes and echoes[-1].truncated_rows:
            echo = echoes[-1]
            found.append(
                f"{echo.truncated_rows:,} of {echo.train_rows:,} training rows are longer than "
                f"{self.plan.max_seq_length:,} tokens: not everything in them was learned."
            )
        if echoes and (gone := echoes[-1].removed_rows):
            found.append(f"{gone:,} training row{'s were' if gone > 1 else ' was'} left out.")
        if self.outcome is not None and not self.told(ValidLoss):
            found.append("There are no validation rows, so nothing here says whether the model learned or memorised.")
        found += [f"{probed.found} {probed.advice}" for probed in self.told(Probed) if probed.advice]
        if self.needs is not None and self.peak_memory > self.needs.needs.total:
            estimate = numbers.size(self.needs.needs.total)
            found.append(
                f"It took {numbers.size(self.peak_memory)} of memory at its peak, more than the {estimate} estimated."
            )
        return found

    @property
    def _failure(self) -> Failed:
        return self.told(Failed)[-1]


def read_training(folder: Path) -> TrainingRecord:
    """A run at any point of it, from its folder alone. Raises UsageError where there is none, DataError if broken."""
    paths = AdapterFolder(folder.resolve())
    if not paths.plan.is_file():
        raise UsageError(
            "No training is recorded here.", where=str(folder), hint="Give the folder that training wrote."
        )
    return TrainingRecord(
        folder=paths,
        plan=load_plan(paths.plan),
        metrics=read_metrics(paths.metrics) if paths.metrics.is_file() else (),
        outcome=read_outcome(paths.root) if paths.outcome.is_file() else None,
        removed=read_removed(paths.removed),
        matrix=read_matrix(paths.root),
        prediction=read_prediction(paths.prediction),
    )


def nats(loss: float) -> str:
    """A loss, as every sentence and figure has it."""
    return f"{loss:.4f}"


def _learned(validations: list[ValidLoss], outcome: TrainingOutcome) -> str:
    """From the loss before the first step to that of the chosen checkpoint."""
    first, chosen = outcome.first_valid_loss, outcome.valid_loss
    if not validations or first is None or chosen is None:
        return "Trained to the end; whether it learned is not measured."
    losses = f"the validation loss {{}} from {nats(first)} to {nats(chosen)}"
    if chosen >= first:
        return f"It did not learn: {losses.format('went')}."
    if chosen > first * (1 - HARDLY):
        return f"It hardly learned: {losses.format('went')}."
    return f"It learned: {losses.format('fell')}."


def _choice(plan: TrainingPlan, outcome: TrainingOutcome, validations: list[ValidLoss]) -> Iterator[str]:
    """Which checkpoint became the adapter, and what came after it."""
    chosen = outcome.selection
    yield f"The checkpoint of iteration {chosen.iteration:,} became the adapter: {chosen.reason}."
    if validations and chosen.loss is not None and validations[-1].loss > chosen.loss:
        yield f"After it the loss rose again, to {nats(validations[-1].loss)}."
    if outcome.stopped_early:
        waited = "scorings" if plan.select == "score" else "validations"
        yield f"{plan.patience} {waited} without improvement ended the run."
