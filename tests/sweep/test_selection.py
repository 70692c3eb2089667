"""Who is chosen, and what the choice is worth."""

from __future__ import annotations

import math
from random import Random
from statistics import fmean, stdev

import pytest

from punie.evaluation.stats import expected_largest, flattery
from punie.sweep.selection import Measured, choose

NAN = math.nan


def measured(*rows: tuple[int, int, int, float], cases: float = 100) -> list[Measured]:
    return [Measured(setting, rung, repeat, value, cases) for setting, rung, repeat, value in rows]


@pytest.mark.parametrize(
    ("rows", "whole", "lower", "setting", "rung"),
    [
        pytest.param([(1, 0, 0, 0.5), (2, 0, 0, 0.7)], {0}, False, 2, 0, id="the highest share"),
        pytest.param([(1, 0, 0, 0.5), (2, 0, 0, 0.7)], {0}, True, 1, 0, id="the lowest loss"),
        pytest.param([(2, 0, 0, 0.7), (1, 0, 0, 0.7)], {0}, False, 1, 0, id="of equal ones the first"),
        pytest.param(
            [(1, 0, 0, 0.9), (1, 0, 1, 0.1), (2, 0, 0, 0.6), (2, 0, 1, 0.6)], {0}, False, 2, 0, id="the mean decides"
        ),
        pytest.param(
            [(1, 0, 0, 0.9), (2, 0, 0, 0.6), (2, 0, 1, 0.6)], {0}, False, 2, 0, id="measured once less is out"
        ),
        pytest.param([(1, 0, 0, 0.9), (2, 0, 0, 0.6), (2, 1, 0, 0.6)], {0, 1}, False, 2, 1, id="the last rung decides"),
        pytest.param([(1, 0, 0, 0.9), (2, 0, 0, 0.6), (2, 1, 0, 0.6)], {0}, False, 1, 0, id="a cut rung does not"),
        pytest.param([(1, 0, 0, 0.9), (2, 0, 0, 0.6)], set(), False, 1, 0, id="unless it is the first"),
        pytest.param([(1, 0, 0, NAN), (2, 0, 0, 0.6)], {0}, True, 2, 0, id="a loss that is no number is none"),
    ],
)
def test_the_best_of_those_that_can_be_compared(
    rows: list[tuple[int, int, int, float]], whole: set[int], lower: bool, setting: int, rung: int
) -> None:
    """By the mean of the repeats, among settings of the last whole rung that were measured equally often."""
    choice = choose(measured(*rows), whole, lower=lower)
    assert choice is not None
    assert (choice.setting, choice.rung) == (setting, rung)


def test_nothing_is_chosen_where_nothing_was_measured() -> None:
    """Trials that failed are no candidates."""
    assert choose([], {0}, lower=False) is None
    assert choose(measured((1, 0, 0, NAN)), {0}, lower=True) is None


def test_the_luck_of_the_best_is_told_beside_its_lead() -> None:
    """A share's from the cases; a loss's from how far repeats differ, and not at all with one repeat."""
    rows = measured((1, 0, 0, 0.5), (2, 0, 0, 0.6), (3, 0, 0, 0.4))
    choice = choose(rows, {0}, lower=False)
    assert choice is not None
    assert choice.lead == pytest.approx(0.1)
    assert choice.gain == pytest.approx(flattery(0.5, 100, 3))
    repeated = measured((1, 0, 0, 1.0), (1, 0, 1, 1.2), (2, 0, 0, 2.0), (2, 0, 1, 2.2), cases=0)
    losses = choose(repeated, {0}, lower=True)
    assert losses is not None
    assert losses.lead == pytest.approx(0.5)
    assert losses.gain == pytest.approx(expected_largest(2) * stdev([1.0, 1.2]) / math.sqrt(2))
    single = choose(measured((1, 0, 0, 1.0), (2, 0, 0, 2.0), cases=0), {0}, lower=True)
    assert single is not None
    assert single.gain is None


def test_the_expected_gain_is_that_of_equal_settings() -> None:
    """Settings that differ by chance alone lead their mean by what is printed, within what 2,000 sweeps can tell."""
    random, cases, settings = Random(5), 50, 8
    leads = []
    for _ in range(2000):
        shares = [sum(random.random() < 0.6 for _ in range(cases)) / cases for _ in range(settings)]
        choice = choose(measured(*((n, 0, 0, share) for n, share in enumerate(shares)), cases=cases), {0}, lower=False)
        assert choice is not None
        leads.append(choice.lead)
    assert fmean(leads) == pytest.approx(flattery(0.6, cases, settings), abs=0.005)
