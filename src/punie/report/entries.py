"""What the journal knows of: evaluations, trainings, comparisons, experiments, and what is not at its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from punie.evaluation.outcomes import RunRecord
from punie.evaluation.stats import Rate
from punie.report.experiments import ExperimentRecord
from punie.report.summary import RateRow
from punie.report.training import TrainingRecord


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thing lies; `name` is its path below the folder that was searched. `page` exists."""

    name: str
    folder: Path
    recorded: datetime
    page: Path | None
    note: str


@dataclass(frozen=True, slots=True)
class Scores:
    """All that the journal tells of an evaluation's answers."""

    record: RunRecord
    overall: Rate
    rows: tuple[RateRow, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    place: Place
    scores: Scores

    @property
    def record(self) -> RunRecord:
        return self.scores.record

    @property
    def asked(self) -> tuple[tuple[str, str], ...]:
        """Name and hash of each suite: only runs that were asked the same stand in one table."""
        return tuple((suite.name, suite.hash) for suite in self.record.suites)


@dataclass(frozen=True, slots=True)
class Training:
    """One that ended with a whole adapter."""

    place: Place
    record: TrainingRecord


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison of two runs, or of several with one base, which has no verdict of its own.

    `runs` are name and time as their records have them, the base first. It was recorded when the last of them was.
    """

    place: Place
    headline: str
    verdict: str
    runs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Experiment:
    """Many runs with one question: a chain, a sweep, a self-improvement, curricula. Its runs are entries, too."""

    place: Place
    record: ExperimentRecord


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What cannot be read, or is not at its end; `live` where it may still be going on."""

    place: Place
    kind: str
    reason: str
    live: bool


Entry = Evaluation | Training | Compared | Experiment | Unfinished


@dataclass(frozen=True, slots=True)
class Journal:
    """Each kind of entry, the oldest first."""

    evaluations: tuple[Evaluation, ...]
    trainings: tuple[Training, ...]
    comparisons: tuple[Compared, ...]
    experiments: tuple[Experiment, ...]
    unfinished: tuple[Unfinished, ...]

    def trained(self, adapter_hash: str | None) -> Training | None:
        """The training that made the adapter with this hash, wherever it lies."""
        made = (one for one in self.trainings if one.record.outcome and one.record.outcome.adapter_hash == adapter_hash)
        return next(made, None)

    def evaluation(self, run: tuple[str, str]) -> Evaluation | None:
        """By its name and its time."""
        return next((one for one in self.evaluations if (one.record.name, one.record.created) == run), None)
