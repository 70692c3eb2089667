from __future__ import annotations

import math
from itertools import combinations, product
from statistics import variance

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from punie.evaluation.stats import (
    Rate,
    clustered_rate,
    detectable_difference,
    effective_size,
    holm,
    mcnemar,
    mean_interval,
    paired_bootstrap,
    paired_interval,
    pass_at_k,
    sign_flip,
    wilson,
)

counts = st.integers(0, 400)


@st.composite
def rates(draw: st.DrawFn) -> Rate:
    total = draw(st.integers(1, 2000))
    return Rate(draw(st.integers(0, total)), total)


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [(5, 5, 56.6, 100.0), (17, 20, 64.0, 94.8), (80, 100, 71.1, 86.7), (139, 164, 78.5, 89.5), (0, 0, 0.0, 100.0)],
)
def test_wilson_agrees_with_known_intervals(right: int, total: int, low: float, high: float) -> None:
    """The interval of a rate is the published Wilson interval, in percent to one decimal."""
    interval = wilson(right, total)
    assert (round(100 * interval.low, 1), round(100 * interval.high, 1)) == (low, high)


@given(rates())
def test_wilson_contains_its_estimate_and_stays_a_rate(rate: Rate) -> None:
    """The interval surrounds the observed share and never leaves 0..1."""
    assert 0 <= rate.interval.low <= rate.share <= rate.interval.high <= 1


@given(rates())
def test_wilson_is_symmetric(rate: Rate) -> None:
    """Counting the wrong answers instead of the right ones mirrors the interval."""
    mirrored = wilson(rate.counted - rate.right, rate.counted)
    assert mirrored.low == pytest.approx(1 - rate.interval.high, abs=1e-12)
    assert mirrored.high == pytest.approx(1 - rate.interval.low, abs=1e-12)


@given(rates())
def test_wilson_is_monotone(rate: Rate) -> None:
    """One more right answer moves both ends up; ten times the cases make the interval narrower."""
    better, larger = wilson(rate.right + 1, rate.counted + 1), wilson(10 * rate.right, 10 * rate.counted)
    assert better.low >= rate.interval.low
    assert better.high >= rate.interval.high - 1e-12
    assert larger.high - larger.low < rate.interval.high - rate.interval.low


@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_one_answer_to_each_case_is_a_plain_rate(rights: list[bool]) -> None:
    """The interval over cases is Wilson's own where every case was asked once."""
    rate = clustered_rate([(int(right), 1) for right in rights])
    assert rate.interval == wilson(sum(rights), len(rights))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60))
def test_more_answers_never_count_for_more_than_they_are(rights: list[int]) -> None:
    """Five answers to a case tell at least as much as one, and at most as much as five cases."""
    rate = clustered_rate([(right, 5) for right in rights])
    assert rate.effective is not None
    assert len(rights) <= rate.effective <= 5 * len(rights)
    assert rate.interval.low <= rate.share <= rate.interval.high


def test_equal_answers_to_a_case_are_one_answer() -> None:
    """A model that always says the same gains nothing from being asked four times."""
    once, often = ([(0, n)] * 6 + [(n, n)] * 14 for n in (1, 4))
    assert clustered_rate(often).interval == clustered_rate(once).interval


def test_the_clustered_interval_has_the_variance_between_cases() -> None:
    """The mean is worth as many answers as would have its binomial variance."""
    shares = [0.0, 0.25, 0.5, 0.75]
    size = 0.375 * 0.625 * 4 / variance(shares)
    assert effective_size(shares, 25) == pytest.approx(size)
    assert mean_interval(shares, 25).low == pytest.approx(wilson(0.375 * size, size).low)


@pytest.mark.parametrize(
    ("samples", "right", "k", "share"),
    [(10, 3, 1, 0.3), (10, 3, 5, 11 / 12), (5, 0, 5, 0.0), (5, 1, 5, 1.0), (4, 2, 2, 5 / 6)],
)
def test_pass_at_k_counts_the_draws_with_a_right_answer(samples: int, right: int, k: int, share: float) -> None:
    """The estimate is the share of all draws of k that hold a right answer."""
    assert pass_at_k(samples, right, k) == pytest.approx(share)
    draws = list(combinations([index < right for index in range(samples)], k))
    assert pass_at_k(samples, right, k) == pytest.approx(sum(map(any, draws)) / len(draws))


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(0, 60))
def test_sign_flip_of_plain_flips_is_mcnemar(fixed: int, broken: int) -> None:
    """With one answer to each case the two tests are one."""
    assert sign_flip([1] * fixed + [-1] * broken + [0] * 5) == pytest.approx(mcnemar(fixed, broken))


@settings(deadline=None)
@given(st.lists(st.integers(-4, 4), max_size=9))
def test_sign_flip_counts_every_turn(differences: list[int]) -> None:
    """The p-value is the share of all ways to turn the differences that end as far from zero."""
    sums = [abs(sum(turned)) for turned in product(*((size, -size) for size in differences))]
    assert sign_flip(differences) == pytest.approx(sum(found >= abs(sum(differences)) for found in sums) / len(sums))


def test_paired_bootstrap_agrees_with_scipy() -> None:
    """The interval is scipy 1.17's (bootstrap, method "percentile", 200,000 resamples) up to the luck of the draw."""
    differences = [-0.25] * 6 + [0.0] * 13 + [0.25] * 5 + [0.5] * 10 + [0.75] * 6
    interval = paired_bootstrap(differences)
    assert (interval.low, interval.high) == pytest.approx((0.13125, 0.3375), abs=0.01)


@pytest.mark.parametrize(("value", "low", "high"), [(0.0, -0.161, 0.161), (0.5, 0.339, 0.661), (1.0, 0.839, 1.0)])
def test_agreement_of_all_cases_is_no_certainty(value: float, low: float, high: float) -> None:
    """Twenty cases that change alike leave room for those that were not asked."""
    interval = paired_bootstrap([value] * 20)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-3)


@pytest.mark.parametrize(("broken", "needed"), [(0, 6), (1, 8), (2, 10), (3, 12), (5, 15), (10, 23)])
def test_mcnemar_asks_for_enough_fixes(broken: int, needed: int) -> None:
    """The first significant number of fixes, given the broken cases, is the known one."""
    assert mcnemar(needed, broken) < 0.05 <= mcnemar(needed - 1, broken)


@pytest.mark.parametrize(
    ("fixed", "broken", "p"), [(0, 0, 1.0), (6, 0, 0.03125), (5, 0, 0.0625), (3, 3, 1.0), (12, 2, 0.012939453125)]
)
def test_mcnemar_is_exact(fixed: int, broken: int, p: float) -> None:
    """The p-value is the binomial tail itself, not an approximation."""
    assert mcnemar(fixed, broken) == p


@given(counts, counts)
def test_mcnemar_is_a_symmetric_p_value(fixed: int, broken: int) -> None:
    """Neither direction is favoured, and the value is a probability."""
    assert 0 < mcnemar(fixed, broken) == mcnemar(broken, fixed) <= 1


def test_mcnemar_bears_large_suites() -> None:
    """Tens of thousands of flips neither overflow nor lose the answer."""
    assert mcnemar(10_100, 9_900) == pytest.approx(0.1593, abs=5e-4)


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [
        ((1, 1, 7, 12), -0.507, -0.026),  # Bentur 2009, in Fagerland, Lydersen and Laake, BMC Med Res Methodol 2013
        ((59, 6, 16, 80), -0.1186, -0.0046),  # Cavo 2012, in the tests of R's contingencytables
        ((36, 12, 2, 0), 0.0569, 0.3404),  # Newcombe 1998, the examples of method 10
    ],
)
def test_paired_interval_agrees_with_published_examples(
    table: tuple[int, int, int, int], low: float, high: float
) -> None:
    """The interval of the paired difference is Newcombe's method 10, to the printed decimals."""
    interval = paired_interval(*table)
    digits = len(str(low).split(".")[1])
    assert (round(interval.low, digits), round(interval.high, digits)) == (low, high)


@given(counts, counts, counts, counts)
def test_paired_interval_contains_the_difference_and_turns_with_it(
    both: int, fixed: int, broken: int, neither: int
) -> None:
    """The interval surrounds the difference, stays in -1..1, and swapping the runs mirrors it."""
    interval, mirrored = paired_interval(both, fixed, broken, neither), paired_interval(both, broken, fixed, neither)
    delta = (fixed - broken) / max(1, both + fixed + broken + neither)
    assert -1 <= interval.low <= delta + 1e-12
    assert delta - 1e-12 <= interval.high <= 1
    assert (mirrored.low, mirrored.high) == pytest.approx((-interval.high, -interval.low), abs=1e-9)


@pytest.mark.parametrize(
    ("total", "flips", "points"),
    [(100, 20, 12.5), (100, 10, 8.9), (200, 40, 8.9), (500, 50, 4.0), (1000, 200, 4.0), (30, 0, 26.2), (6, 0, 100.0)],
)
def test_detectable_difference_agrees_with_known_sizes(total: int, flips: int, points: float) -> None:
    """The smallest detectable difference is the tabled one, in points."""
    found = detectable_difference(total, flips)
    assert found is not None
    assert round(100 * found, 1) == points


def test_detectable_difference_is_nothing_below_six_pairs() -> None:
    """Five pairs cannot show any difference, and say so."""
    assert detectable_difference(5, 5) is None


@pytest.mark.parametrize(("total", "flips"), [(30, 15), (50, 0), (100, 5), (100, 50), (200, 20)])
def test_detectable_difference_has_the_power_it_claims(total: int, flips: int) -> None:
    """Summed exactly over all outcomes, McNemar's test finds that difference in about 80 % of repeats."""
    delta = detectable_difference(total, flips)
    assert delta is not None
    assert _exact_power(total, max(flips / total, delta), delta) == pytest.approx(0.80, abs=0.035)


def _exact_power(total: int, flip_share: float, delta: float) -> float:
    fix = (flip_share + delta) / (2 * flip_share)
    return sum(
        math.comb(total, flips) * flip_share**flips * (1 - flip_share) ** (total - flips) * math.comb(flips, fixed)
        * fix**fixed * (1 - fix) ** (flips - fixed)
        for flips in range(total + 1)
        for fixed in range(flips + 1)
        if mcnemar(fixed, flips - fixed) < 0.05
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given_values", "adjusted"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.5, 0.9], [1.0, 1.0]),
        ([0.04], [0.04]),
        ([], []),
    ],
)
def test_holm_agrees_with_known_adjustments(given_values: list[float], adjusted: list[float]) -> None:
    """Adjusted p-values are Holm's, in the order the tests were given."""
    assert holm(given_values) == pytest.approx(adjusted)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_never_makes_evidence_stronger(p_values: list[float]) -> None:
    """An adjusted p-value is at least the plain one and keeps the order of evidence."""
    adjusted = holm(p_values)
    assert all(plain <= after <= 1 for plain, after in zip(p_values, adjusted, strict=True))
    assert [p for _, p in sorted(zip(p_values, adjusted, strict=True))] == sorted(adjusted)
