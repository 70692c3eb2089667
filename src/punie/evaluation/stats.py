"""The statistics of a comparison: pure functions over counts and shares.

Cases are the units. Where each is asked several times, what is resampled, flipped or counted as independent is the case
and never the single answer, since the answers to one question are alike. Every function is written out, with its
source, in `docs/statistics.md`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, variance

ALPHA = 0.05
"""The error rate of every test and, as 1 - ALPHA, the level of every interval."""

POWER = 0.80

_Z = NormalDist().inv_cdf(1 - ALPHA / 2)
_Z_POWER = NormalDist().inv_cdf(POWER)


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % confidence interval, both ends in the unit of the estimate."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Rate:
    """So many right of so many counted. `effective` is how many independent answers they are worth; by default all."""

    right: int
    counted: int
    effective: float | None = None

    @property
    def share(self) -> float:
        """0..1, or NaN where nothing was counted."""
        return self.right / self.counted if self.counted else math.nan

    @property
    def interval(self) -> Interval:
        if self.effective is None:
            return wilson(self.right, self.counted)
        return wilson(self.share * self.effective, self.effective)


def wilson(right: float, total: float) -> Interval:
    """Score interval of one rate (Wilson, JASA 22, 1927). With nothing counted it is 0..1: nothing is known."""
    if total == 0:
        return Interval(0.0, 1.0)
    share, weight = right / total, _Z * _Z / total
    centre = share + weight / 2
    spread = _Z * math.sqrt(share * (1 - share) / total + weight / (4 * total))
    low, high = (centre - spread) / (1 + weight), (centre + spread) / (1 + weight)
    return Interval(0.0 if right == 0 else low, 1.0 if right == total else high)


def clustered_rate(tallies: Sequence[tuple[int, int]]) -> Rate:
    """The rate over cases that were each asked several times, given (right, counted) of each case."""
    right, counted = (sum(column) for column in zip(*tallies, strict=True)) if tallies else (0, 0)
    shares = [of_case / asked for of_case, asked in tallies if asked]
    return Rate(right, counted, effective_size(shares, counted))


def mean_interval(values: Sequence[float], most: float) -> Interval:
    """Interval of the mean of one value in 0..1 for each case; see `effective_size` for `most`."""
    size = effective_size(values, most)
    return wilson(fmean(values) * size, size) if values else wilson(0, 0)


def effective_size(values: Sequence[float], most: float) -> float:
    """How many independent yes-or-no answers tell as much about the mean as these values of cases do.

    The size at which the binomial variance of the mean is that between the cases, for a Wilson interval (Korn and
    Graubard, Survey Methodology 24, 1998; compared by Franco et al., J. Survey Statistics and Methodology 7, 2019). At
    least the number of cases, at most `most`; the number of cases where they agree that all is right, or nothing.
    """
    cases, mean = len(values), fmean(values) if values else 0.0
    if cases < 2 or mean in (0.0, 1.0):
        return cases
    spread = variance(values, mean)
    return most if spread == 0 else min(most, max(cases, mean * (1 - mean) * cases / spread))


def flattery(share: float, cases: int, candidates: int) -> float:
    """By how much the highest of so many shares exceeds `share` on average, where that is the truth behind all of them.

    The standard error times the expected largest of as many normal values. An upper end where the same cases were asked
    for each: such shares rise and fall together.
    """
    return expected_largest(candidates) * math.sqrt(share * (1 - share) / cases)


def expected_largest(count: int) -> float:
    """Of so many standard normal values, to 0.01 (Blom, Statistical Estimates and Transformed Beta-Variables, 1958)."""
    return NormalDist().inv_cdf((count - 0.375) / (count + 0.25))


def pass_at_k(samples: int, right: int, k: int) -> float:
    """Chance that one of `k` answers drawn from these is right: 1 - C(n-c, k) / C(n, k) (Chen et al., 2021).

    Unbiased for k up to `samples`, and not defined above.
    """
    return 1 - math.comb(samples - right, k) / math.comb(samples, k)


def mcnemar(fixed: int, broken: int) -> float:
    """Exact two-sided p that `fixed` and `broken` flips come from a fair coin (McNemar, Psychometrika 12, 1947)."""
    flips = fixed + broken
    term = tail = 1
    for index in range(min(fixed, broken)):
        term = term * (flips - index) // (index + 1)
        tail += term
    return min(1.0, 2 * tail / 2**flips)


def sign_flip(differences: Sequence[int]) -> float:
    """Exact two-sided p that the differences of the cases would be as far from 0 if each could as well be turned round.

    Fisher's randomization test for pairs (The Design of Experiments, 1935), summed over all turns. For differences of
    -1, 0 and 1 it is McNemar's.
    """
    import numpy

    sizes = [abs(difference) for difference in differences if difference]
    reach = sum(sizes)
    chances = numpy.zeros(2 * reach + 1)
    chances[reach] = 1.0
    for size in sizes:
        chances = (numpy.roll(chances, size) + numpy.roll(chances, -size)) / 2
    extreme = abs(sum(differences))
    return min(1.0, float(chances[: reach - extreme + 1].sum() + chances[reach + extreme :].sum()))


def paired_bootstrap(differences: Sequence[float], resamples: int = 10_000) -> Interval:
    """Interval of the mean difference: the middle 95 % of the means of cases drawn again (Efron, 1979), seed 0.

    Where all cases differ by the same there is nothing to draw: as many other cases as could hide from this sample,
    Wilson's upper end for none seen, could differ by 1 the other way.
    """
    import numpy

    values = numpy.asarray(differences, dtype=float)
    if values.size == 0:
        return Interval(-1.0, 1.0)
    if values.min() == values.max():
        middle, reach = float(values[0]), wilson(0, values.size).high
        return Interval(max(-1.0, middle - reach), min(1.0, middle + reach))
    kinds, counts = numpy.unique(values, return_counts=True)
    drawn = numpy.random.default_rng(0).multinomial(values.size, counts / values.size, resamples)
    low, high = numpy.quantile(drawn @ kinds / values.size, [ALPHA / 2, 1 - ALPHA / 2])
    return Interval(float(low), float(high))


def paired_interval(both: int, fixed: int, broken: int, neither: int) -> Interval:
    """Interval of (share after - share before) over paired cases.

    Method 10 of Newcombe (Statistics in Medicine 17, 1998, 2635-2650): two Wilson intervals, squared and added, with
    the correlation of the pairs taken off. `both` and `neither` count the pairs right, or not, in both runs.
    """
    total = both + fixed + broken + neither
    if total == 0:
        return Interval(-1.0, 1.0)
    after, before = Rate(both + fixed, total), Rate(both + broken, total)
    delta, phi = after.share - before.share, _correlation(both, fixed, broken, neither)
    down = _joined(after.share - after.interval.low, before.interval.high - before.share, phi)
    up = _joined(after.interval.high - after.share, before.share - before.interval.low, phi)
    return Interval(max(-1.0, delta - down), min(1.0, delta + up))


_STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""Student's t at 0.975 for 1 to 9 degrees of freedom."""


def student_interval(values: Sequence[float]) -> Interval:
    """Interval of the mean of 2 to 10 values, of runs that differ in their seed (Student, Biometrika 6, 1908)."""
    middle = fmean(values)
    reach = _STUDENT[len(values) - 2] * math.sqrt(variance(values, middle) / len(values))
    return Interval(middle - reach, middle + reach)


def _correlation(both: int, fixed: int, broken: int, neither: int) -> float:
    """Newcombe's phi: moved towards 0 by half a case where it is positive; 0 where a margin is empty."""
    margins = (both + fixed) * (broken + neither) * (both + broken) * (fixed + neither)
    excess = float(both * neither - fixed * broken)
    if excess > 0:
        excess = max(0.0, excess - (both + fixed + broken + neither) / 2)
    return excess / math.sqrt(margins) if margins else 0.0


def _joined(first: float, second: float, phi: float) -> float:
    return math.sqrt(max(0.0, first * first - 2 * phi * first * second + second * second))


def detectable_difference(total: int, flips: float) -> float | None:
    """Smallest true difference (0..1) that McNemar's test finds in 80 % of repeats, at the observed share of flips.

    With several answers for each case, `flips` is the sum of the squared differences of the cases.

    The normal approximation (z_0.975 + z_0.80) * sqrt(flip share / total), after Miettinen (Biometrics 24, 1968). The
    flip share is taken as at least the difference itself, since a case that changes the score flips. None below six
    pairs: six fixed and none broken is the first result with p < 0.05.
    """
    if total < 6:
        return None
    unit = (_Z + _Z_POWER) / math.sqrt(total)
    return min(1.0, unit * max(math.sqrt(flips / total), unit))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """P-values adjusted for being several (Holm, Scandinavian Journal of Statistics 6, 1979), in the order given."""
    adjusted = [1.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return tuple(adjusted)
