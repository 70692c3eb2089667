"""Two runs of the same cases, pair by pair: better, worse, or cannot tell."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from punie.errors import UsageError
from punie.evaluation.outcomes import EvaluationRun, RunRecord, Trial
from punie.evaluation.stats import ALPHA, Interval, Rate, detectable_difference, holm, mcnemar, paired_interval
from punie.evaluation.suite import Case
from punie.files import hash_value
from punie.report import numbers
from punie.report.cautions import comparison_cautions
from punie.report.summary import FailureRow, Tally, failure_rows, tally


class Verdict(StrEnum):
    BETTER = "better"
    WORSE = "worse"
    UNKNOWN = "cannot tell"


class Bucket(StrEnum):
    """What became of a case, in the order a reader wants them."""

    BROKEN = "broken"
    FIXED = "fixed"
    FAILING = "still failing"
    RIGHT = "still right"
    UNSCORED = "not scored"


@dataclass(frozen=True, slots=True)
class Pair:
    """The same case in both runs."""

    before: Trial
    after: Trial

    @property
    def case(self) -> Case:
        return self.before.case

    @property
    def bucket(self) -> Bucket:
        if not (self.before.counted and self.after.counted):
            return Bucket.UNSCORED
        if self.before.right:
            return Bucket.RIGHT if self.after.right else Bucket.BROKEN
        return Bucket.FIXED if self.after.right else Bucket.FAILING


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """The pairs of one category by what became of them; everything else follows from these counts.

    `p_holm` is the p-value adjusted for the number of categories; the row of all cases is one test and keeps its p.
    """

    name: str
    fixed: int
    broken: int
    failing: int
    still_right: int
    unscored: int
    p_holm: float

    @property
    def counted(self) -> int:
        return self.fixed + self.broken + self.failing + self.still_right

    @property
    def before(self) -> Rate:
        return Rate(self.still_right + self.broken, self.counted)

    @property
    def after(self) -> Rate:
        return Rate(self.still_right + self.fixed, self.counted)

    @property
    def delta(self) -> float:
        """Share after minus share before; NaN where no pair was counted."""
        return (self.fixed - self.broken) / self.counted if self.counted else math.nan

    @property
    def delta_interval(self) -> Interval:
        return paired_interval(self.still_right, self.fixed, self.broken, self.failing)

    @property
    def p(self) -> float:
        return mcnemar(self.fixed, self.broken)

    @property
    def detectable(self) -> float | None:
        return detectable_difference(self.counted, self.fixed + self.broken)

    @property
    def verdict(self) -> Verdict:
        if self.p_holm >= ALPHA:
            return Verdict.UNKNOWN
        return Verdict.BETTER if self.fixed > self.broken else Verdict.WORSE


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything the page says. `failures` counts before and after, over the pairs."""

    before: RunRecord
    after: RunRecord
    tallies: tuple[Tally, Tally]
    rows: tuple[CategoryRow, ...]
    overall: CategoryRow
    failures: tuple[FailureRow, ...]
    warnings: tuple[str, ...]
    pairs: tuple[Pair, ...]

    @property
    def verdict(self) -> Verdict:
        return self.overall.verdict

    @property
    def headline(self) -> str:
        """Verdict, counts and evidence in a sentence or two."""
        return f"{self.verdict.capitalize()}: {self.claim} ({self.evidence}).{self.blind_spot}"

    @property
    def claim(self) -> str:
        return f"{numbers.count(self.overall.after)} right after, {numbers.count(self.overall.before)} before"

    @property
    def evidence(self) -> str:
        interval = numbers.points_interval(self.overall.delta_interval)
        p = numbers.p_value(self.overall.p)
        return f"{numbers.points(self.overall.delta)}, 95% interval {interval}; exact McNemar {p}"

    @property
    def blind_spot(self) -> str:
        """How large a difference would have been seen; empty where one was."""
        if self.verdict is not Verdict.UNKNOWN:
            return ""
        if self.overall.detectable is None:
            return " With fewer than six cases no difference could have been seen."
        seen = numbers.distance(self.overall.detectable)
        return f" These cases would have shown a difference of {seen} or more (80% power)."


def compare(before: EvaluationRun, after: EvaluationRun) -> Comparison:
    """Pair two runs by case id and content, and test the flips.

    Raises UsageError when no case is the same in both, or a run holds a case twice.
    """
    pairs = _paired(before, after)
    return Comparison(
        before=before.record,
        after=after.record,
        tallies=(tally(before.trials), tally(after.trials)),
        rows=_adjusted([_row(name, pairs) for name in dict.fromkeys(pair.case.category for pair in pairs)]),
        overall=_row("overall", pairs, everything=True),
        failures=_failures(pairs),
        warnings=tuple(comparison_cautions(before, after, len(pairs))),
        pairs=pairs,
    )


def _paired(before: EvaluationRun, after: EvaluationRun) -> tuple[Pair, ...]:
    firsts, seconds = _by_case(before), _by_case(after)
    pairs = tuple(Pair(trial, seconds[key]) for key, trial in firsts.items() if key in seconds)
    if not pairs:
        raise UsageError(
            "The two runs share no case, so there is nothing to compare.",
            where=f"{before.record.name} asked {before.record.suite}, {after.record.name} asked {after.record.suite}",
            hint="Evaluate both models with the same suite.",
        )
    return pairs


def _by_case(run: EvaluationRun) -> dict[tuple[str, str], Trial]:
    trials = {(trial.case.id, hash_value(trial.case.model_dump(mode="json"))): trial for trial in run.trials}
    if len(trials) < len(run.trials):
        raise UsageError("A run with the same case twice cannot be paired.", where=run.record.name)
    return trials


def _row(name: str, pairs: Iterable[Pair], *, everything: bool = False) -> CategoryRow:
    buckets = Counter(pair.bucket for pair in pairs if everything or pair.case.category == name)
    return CategoryRow(
        name=name,
        fixed=buckets[Bucket.FIXED],
        broken=buckets[Bucket.BROKEN],
        failing=buckets[Bucket.FAILING],
        still_right=buckets[Bucket.RIGHT],
        unscored=buckets[Bucket.UNSCORED],
        p_holm=mcnemar(buckets[Bucket.FIXED], buckets[Bucket.BROKEN]),
    )


def _adjusted(rows: list[CategoryRow]) -> tuple[CategoryRow, ...]:
    return tuple(replace(row, p_holm=p) for row, p in zip(rows, holm([row.p for row in rows]), strict=True))


def _failures(pairs: tuple[Pair, ...]) -> tuple[FailureRow, ...]:
    counted = [pair for pair in pairs if pair.bucket is not Bucket.UNSCORED]
    return failure_rows([pair.before for pair in counted], [pair.after for pair in counted])
