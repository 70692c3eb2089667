"""One run in numbers: how much was right, what went wrong, what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from punie.evaluation.outcomes import EvaluationRun, Outcome, RunRecord, Trial
from punie.evaluation.stats import Interval, Rate, mean_interval, pass_at_k
from punie.report import numbers
from punie.report.cautions import run_cautions
from punie.report.rates import Beside, RateRow, beside_published, rate, rate_row, tag_rows, tallies

_KS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many trials there were, and of them: without a judgeable answer, not judged, cut at the token limit."""

    trials: int
    failed: int
    unscored: int
    truncated: int


@dataclass(frozen=True, slots=True)
class PassAt:
    """The share of cases of which one in `k` answers is right, estimated from all of them, with its interval."""

    k: int
    share: float
    interval: Interval


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
    pass_at: tuple[PassAt, ...]
    """Empty where each case was asked once."""
    failures: tuple[FailureRow, ...]
    warnings: tuple[str, ...]
    trials: tuple[Trial, ...]
    tags: Mapping[str, tuple[RateRow, ...]]
    """The same by each name of a tag."""
    beside: tuple[Beside, ...]
    """What others published, where there is one suite and it has that."""

    @property
    def headline(self) -> str:
        """The result as a sentence."""
        share, interval = numbers.percent(self.overall.share), numbers.percent_interval(self.overall.interval)
        return f"{numbers.count(self.overall)} right: {share}, 95% interval {interval}."

    @property
    def weakest(self) -> str:
        """Where the fewest are right, and what most wrong answers have in common; empty where nothing is wrong."""
        told = ""
        rows = [row for row in self.rows if row.rate.counted]
        if len({row.rate.share for row in rows}) > 1:
            lowest = min(rows, key=lambda row: row.rate.share)
            told = f" Lowest in {numbers.category(lowest.name)}: {numbers.count(lowest.rate)}."
        if self.failures:
            wrong, first = sum(row.counts[0] for row in self.failures), self.failures[0]
            told += f" The commonest fault is “{first.name}”: {first.counts[0]} of {wrong} wrong answers."
        return told


def summarize(run: EvaluationRun) -> Summary:
    """Count a run. Failed trials are not right; unscored ones leave the denominator."""
    return Summary(
        record=run.record,
        tally=tally(run.trials),
        rows=tuple(rate_row(name, run.of(name)) for name in run.categories()),
        overall=rate(run.trials),
        pass_at=pass_at(run.trials),
        failures=failure_rows(run.trials),
        warnings=tuple(caution.sentence for caution in run_cautions(run)),
        trials=run.trials,
        tags=tag_rows(run.trials),
        beside=beside_published(run),
    )


def pass_at(trials: Iterable[Trial]) -> tuple[PassAt, ...]:
    """For k of 1, 2, 5, 10, ... up to the fewest answers that were judged of a case, and for these."""
    tallied = [found for found in tallies(trials) if found[1]]
    fewest = min((counted for _, counted in tallied), default=0)
    if fewest < 2:
        return ()
    several = []
    for k in sorted({k for k in _KS if k < fewest} | {fewest}):
        chances = [pass_at_k(counted, right, k) for right, counted in tallied]
        most = sum(counted for _, counted in tallied) / k
        several.append(PassAt(k, fmean(chances), mean_interval(chances, most)))
    return tuple(several)


def tally(trials: Sequence[Trial]) -> Tally:
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
