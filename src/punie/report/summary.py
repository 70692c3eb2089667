"""One run in numbers: how much was right, what went wrong, what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from punie.evaluation.outcomes import EvaluationRun, Outcome, RunRecord, Trial
from punie.evaluation.stats import Rate
from punie.report import numbers
from punie.report.cautions import run_cautions


@dataclass(frozen=True, slots=True)
class Tally:
    """How many trials there were, and of them: without a judgeable answer, not judged, cut at the token limit."""

    trials: int
    failed: int
    unscored: int
    truncated: int


@dataclass(frozen=True, slots=True)
class RateRow:
    name: str
    rate: Rate


@dataclass(frozen=True, slots=True)
class FailureRow:
    """One class of wrong answer, and how many trials fell into it, run by run."""

    name: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """A run's numbers: one row per category, all of them together, the classes of failure."""

    record: RunRecord
    tally: Tally
    rows: tuple[RateRow, ...]
    overall: Rate
    failures: tuple[FailureRow, ...]
    warnings: tuple[str, ...]
    trials: tuple[Trial, ...]

    @property
    def headline(self) -> str:
        """The result as a sentence."""
        share, interval = numbers.percent(self.overall.share), numbers.percent_interval(self.overall.interval)
        return f"{numbers.count(self.overall)} right: {share}, 95% interval {interval}."


def summarize(run: EvaluationRun) -> Summary:
    """Count a run. Failed trials are not right; unscored ones leave the denominator."""
    return Summary(
        record=run.record,
        tally=tally(run.trials),
        rows=tuple(RateRow(name, rate(run.of(name))) for name in run.categories()),
        overall=rate(run.trials),
        failures=failure_rows(run.trials),
        warnings=tuple(run_cautions(run)),
        trials=run.trials,
    )


def rate(trials: Iterable[Trial]) -> Rate:
    counted = [trial.right for trial in trials if trial.counted]
    return Rate(sum(counted), len(counted))


def tally(trials: tuple[Trial, ...]) -> Tally:
    outcomes = Counter(trial.outcome for trial in trials)
    truncated = sum(trial.answer is not None and trial.answer.finish_reason == "length" for trial in trials)
    return Tally(len(trials), outcomes[Outcome.FAILED], outcomes[Outcome.UNSCORED], truncated)


def failure_rows(*runs: Iterable[Trial]) -> tuple[FailureRow, ...]:
    """The classes of all counted trials that are not right, commonest first."""
    counters = [Counter(failure(trial) for trial in run if trial.counted and not trial.right) for run in runs]
    total = sum(counters, Counter())
    return tuple(FailureRow(name, tuple(counter[name] for counter in counters)) for name, _ in total.most_common())


def failure(trial: Trial) -> str:
    """The class of a trial that is not right."""
    return trial.failure or ("wrong answer" if trial.outcome is Outcome.SCORED else trial.outcome.value)
