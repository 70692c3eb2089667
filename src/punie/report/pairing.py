"""The same case in two runs, and what became of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from statistics import fmean

from punie.errors import UsageError
from punie.evaluation.outcomes import EvaluationRun, Trial
from punie.evaluation.suite import Case, case_row
from punie.files import hash_value


class Bucket(StrEnum):
    """What became of a case, in the order a reader wants them."""

    BROKEN = "broken"
    FIXED = "fixed"
    FAILING = "still failing"
    RIGHT = "still right"
    UNSCORED = "not scored"


@dataclass(frozen=True, slots=True)
class Pair:
    """A case with its trials in both runs, one for each sample."""

    before: tuple[Trial, ...]
    after: tuple[Trial, ...]

    @property
    def case(self) -> Case:
        return self.before[0].case

    @property
    def suite(self) -> str:
        return self.before[0].suite

    @property
    def counted(self) -> bool:
        """Whether every answer of either run was judged."""
        return all(trial.counted for trial in (*self.before, *self.after))

    @property
    def change(self) -> Fraction:
        """Share of right answers after, less the share before."""
        return _share(self.after) - _share(self.before)

    @property
    def scores(self) -> tuple[float, float]:
        """How much of what was asked is right, 0..1, before and after: the mean over its trials."""
        return _score(self.before), _score(self.after)

    @property
    def bucket(self) -> Bucket:
        """With several samples, fixed and broken mean more and fewer right answers; still right means every one."""
        if not self.counted:
            return Bucket.UNSCORED
        if self.change:
            return Bucket.FIXED if self.change > 0 else Bucket.BROKEN
        return Bucket.RIGHT if _share(self.after) == 1 else Bucket.FAILING


def pair_up(before: EvaluationRun, after: EvaluationRun) -> tuple[Pair, ...]:
    """The cases that have the same id and the same content in both runs, in the order of the first.

    Raises UsageError where there is none, or a run holds a trial twice.
    """
    firsts, seconds = _by_case(before), _by_case(after)
    pairs = tuple(Pair(trials, seconds[key]) for key, trials in firsts.items() if key in seconds)
    if not pairs:
        raise UsageError(
            "The two runs share no case, so there is nothing to compare.",
            where=f"{before.record.name} asked {before.record.suite}, {after.record.name} asked {after.record.suite}",
            hint="Evaluate both models with the same suite, and the same half of it.",
        )
    return pairs


def _by_case(run: EvaluationRun) -> dict[tuple[str, str, str], tuple[Trial, ...]]:
    trials: dict[tuple[str, str, str], list[Trial]] = defaultdict(list)
    for trial in run.trials:
        trials[trial.suite, trial.case.id, hash_value(case_row(trial.case))].append(trial)
    if len({trial.key for trial in run.trials}) < len(run.trials):
        raise UsageError("A run with the same case twice cannot be paired.", where=run.record.name)
    return {key: tuple(found) for key, found in trials.items()}


def _share(trials: tuple[Trial, ...]) -> Fraction:
    return Fraction(sum(trial.right for trial in trials), len(trials))


def _score(trials: tuple[Trial, ...]) -> float:
    return fmean(1.0 if trial.right else trial.partial or 0.0 for trial in trials)
