"""What a comparison of two runs says: rows of numbers, verdicts, sentences."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from punie.evaluation.outcomes import RunRecord
from punie.evaluation.stats import ALPHA, Interval, Rate
from punie.report import numbers
from punie.report.cautions import Caution
from punie.report.pairing import Bucket, Pair
from punie.report.summary import FailureRow, Tally
from punie.report.taught import Teaching

MARGIN = 0.05
"""A change of so much, as a share of the cases, is taken to matter, unless the user says otherwise."""


class Verdict(StrEnum):
    BETTER = "better"
    WORSE = "worse"
    SAME = "no detectable difference"
    UNKNOWN = "inconclusive"


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """The pairs of one category. Shares and differences are 0..1.

    `p_holm` is the p-value adjusted for all tests of its kind: the categories of every run that is compared with the
    base, or, in the row of all cases, those runs.
    """

    name: str
    buckets: Counter[Bucket]
    before: Rate
    after: Rate
    delta_interval: Interval
    p: float
    p_holm: float
    detectable: float | None
    margin: float

    @property
    def fixed(self) -> int:
        return self.buckets[Bucket.FIXED]

    @property
    def broken(self) -> int:
        return self.buckets[Bucket.BROKEN]

    @property
    def failing(self) -> int:
        return self.buckets[Bucket.FAILING]

    @property
    def still_right(self) -> int:
        return self.buckets[Bucket.RIGHT]

    @property
    def unscored(self) -> int:
        return self.buckets[Bucket.UNSCORED]

    @property
    def counted(self) -> int:
        return self.buckets.total() - self.unscored

    @property
    def delta(self) -> float:
        """Share after minus share before; NaN where no pair was counted."""
        return self.after.share - self.before.share

    @property
    def verdict(self) -> Verdict:
        """Where the test does not decide, the interval says whether a difference that matters can be ruled out."""
        if self.p_holm < ALPHA:
            return Verdict.BETTER if self.delta > 0 else Verdict.WORSE
        inside = -self.margin <= self.delta_interval.low and self.delta_interval.high <= self.margin
        return Verdict.SAME if inside else Verdict.UNKNOWN


@dataclass(frozen=True, slots=True)
class Noise:
    """How a model differs from itself: cases with another share of right answers when the base was asked again."""

    run: str
    counted: int
    changed: int

    @property
    def share(self) -> float:
        return self.changed / self.counted if self.counted else math.nan


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything the page says. `failures` counts before and after, over the pairs."""

    before: RunRecord
    after: RunRecord
    tallies: tuple[Tally, Tally]
    rows: tuple[CategoryRow, ...]
    overall: CategoryRow
    failures: tuple[FailureRow, ...]
    unlike: tuple[str, ...]
    """What differs between the runs besides the model, and could make a difference by itself."""
    doubts: tuple[Caution, ...]
    """What weakens the numbers of either run."""
    pairs: tuple[Pair, ...]
    left_out: int
    """Cases of the base that the other run was not asked, or was asked otherwise."""
    runs: int = 1
    """How many runs are compared with the base."""
    noise: Noise | None = None
    taught: tuple[Teaching, ...] = ()
    """Of either run that has an adapter: whether it was taught the cases. Empty where nobody asked."""
    untaught: CategoryRow | None = None
    """The pairs that neither run was taught, where it was taught some."""
    tags: Mapping[str, tuple[CategoryRow, ...]] = field(default_factory=dict)
    """The same pairs by each name of a tag."""

    @property
    def warnings(self) -> tuple[str, ...]:
        return (*self.unlike, *(doubt.sentence for doubt in self.doubts))

    @property
    def cautions(self) -> tuple[str, ...]:
        """What a reader must know first: cases that were taught, then all other warnings."""
        return (*filter(None, (teaching.sentence for teaching in self.taught)), *self.warnings)

    @property
    def verdict(self) -> Verdict:
        return self.overall.verdict

    @property
    def samples(self) -> int:
        """The most answers that a case has in one of the runs."""
        return max(self.before.samples, self.after.samples)

    @property
    def headline(self) -> str:
        """Verdict, counts and evidence in a sentence or two."""
        return f"{self.verdict.capitalize()}: {self.claim} ({self.evidence}).{self.blind_spot}"

    @property
    def statement(self) -> str:
        """The claim for who knows neither run."""
        asked = "cases" if self.samples == 1 else "answers"
        after, before = numbers.count(self.overall.after), numbers.count(self.overall.before)
        return f"{self.after.name} has {after} {asked} right, {self.before.name} {before}"

    @property
    def losses(self) -> str:
        """Where it got worse: single cases, and categories of which the test says so."""
        worse = [numbers.category(row.name) for row in self.rows if row.verdict is Verdict.WORSE]
        where = f"shown to be worse in {', '.join(worse)}" if worse else "no category is shown to be worse"
        broken = self.overall.broken
        cases = "No case" if not broken else f"{broken} case{'s' if broken > 1 else ''}"
        return f"{cases} got worse; {where}."

    @property
    def claim(self) -> str:
        return f"{numbers.count(self.overall.after)} right after, {numbers.count(self.overall.before)} before"

    @property
    def evidence(self) -> str:
        interval = numbers.points_interval(self.overall.delta_interval)
        test = "McNemar" if self.samples == 1 else "sign-flip"
        several = "" if self.runs == 1 else f", adjusted for {self.runs} runs"
        p = numbers.p_value(self.overall.p_holm)
        return f"{numbers.points(self.overall.delta)}, 95% interval {interval}; exact {test} {p}{several}"

    @property
    def blind_spot(self) -> str:
        """How large a difference would have been seen; empty where one was."""
        margin = numbers.distance(self.overall.margin)
        if self.verdict is Verdict.SAME:
            return f" The interval rules out a difference of {margin} or more."
        if self.verdict is not Verdict.UNKNOWN:
            return ""
        if self.overall.detectable is None:
            return " With fewer than six cases no difference could have been seen."
        seen = numbers.distance(self.overall.detectable)
        return (
            f" These cases would have shown a difference of {seen} or more (80% power), and do not rule out {margin}."
        )
