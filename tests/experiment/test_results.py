"""Contrasts of arms: over programs, over seeds, and what may be concluded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

import pytest

from punie.evaluation.stats import Interval
from punie.experiment.completion import MEASURES, Measured
from punie.experiment.loading import load_experiment
from punie.experiment.page import headline, render_experiment
from punie.experiment.report import to_markdown
from punie.experiment.results import ArmResult, ContrastResult, Figure, Results, contrasts_of

PAPER = load_experiment(Path(__file__).parents[2] / "recipes" / "curriculum-paper.yaml")
PROGRAMS = 200


def measured(share: float, seed: int) -> Sequence[Measured]:
    """About this share of programs right; which of them depends on the program more than on the seed."""
    found = []
    for number in range(PROGRAMS):
        right = float(Random(number).random() + 0.02 * Random(f"{seed} {number}").random() < share)
        figures = dict.fromkeys(MEASURES, right)
        found.append(Measured(id=str(number), level=1, difficulty="easy", empty=False, **figures))
    return found


def contrast(shares: Mapping[str, Sequence[float]], number: int) -> ContrastResult:
    runs = {arm: {seed: measured(share, seed) for seed, share in enumerate(of)} for arm, of in shares.items()}
    return contrasts_of(PAPER, {arm: runs.get(arm, {}) for arm in PAPER.arms})[number]


@pytest.mark.parametrize(
    ("hybrid", "mixed", "verdict"),
    [
        ((0.6, 0.61, 0.6), (0.4, 0.41, 0.4), "better"),
        ((0.4, 0.41, 0.4), (0.6, 0.61, 0.6), "worse"),
        ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "cannot tell"),
        ((0.9, 0.4, 0.5), (0.4, 0.41, 0.4), "cannot tell"),
        ((0.42, 0.42, 0.42), (0.41, 0.41, 0.41), "cannot tell"),
    ],
    ids=["every seed better", "every seed worse", "equal", "one seed alone", "too few programs"],
)
def test_a_verdict_needs_programs_and_seeds(hybrid: Sequence[float], mixed: Sequence[float], verdict: str) -> None:
    """An arm is called better only where the programs and the seeds agree."""
    assert contrast({"hybrid": hybrid, "mixed": mixed}, 0).verdict == verdict


def test_only_common_seeds_are_compared() -> None:
    """A seed that one arm lacks yet says nothing about the other, and one common seed is too few."""
    found = contrast({"hybrid": (0.6, 0.61, 0.6), "mixed": (0.4, 0.41)}, 0)
    assert len(found.differences["execution"].of_seeds) == 2
    assert contrasts_of(PAPER, {arm: {} for arm in PAPER.arms}) == ()
    one = {arm: {1: measured(0.5, 1)} for arm in PAPER.arms}
    assert contrasts_of(PAPER, one) == ()


def found(*contrasts: ContrastResult) -> Results:
    """Of one arm that got 12 of 100 programs right, with these contrasts."""
    figures = {name: Figure(0.125, Interval(0.1, 0.15), (0.1, 0.15)) for name in MEASURES}
    shown = {phase.name: 100.0 for phase in PAPER.phases}
    arm = ArmResult("mixed", (1, 2), figures, {"easy": 0.125}, None, 0.125, shown, 5e6, 90.0)
    return Results(100, 0, {"easy": 100}, (arm,), contrasts, ("hybrid, seed 3",))


BETTER = {"hybrid": (0.6, 0.61, 0.6), "mixed": (0.4, 0.41, 0.4)}
EQUAL = {"hybrid": (0.5, 0.5, 0.5), "mixed": (0.5, 0.5, 0.5)}


def test_the_page_says_first_what_holds() -> None:
    """And that nothing does, or nothing can be compared yet."""
    better, equal = contrast(BETTER, 0), contrast(EQUAL, 0)
    assert headline(found(better, equal)) == "1 of 2 differences holds: hybrid is better than mixed."
    assert headline(found(equal)) == "Cannot tell: none of 1 differences holds over programs and over seeds."
    assert headline(found()).startswith("Nothing can be compared yet")


@pytest.mark.parametrize("compared", [False, True])
def test_page_and_text_tell_the_same(compared: bool) -> None:
    """The figures of each arm, what is missing, what the paper found, and in what it was not repeated."""
    results = found(contrast(BETTER, 0)) if compared else found()
    page, text = render_experiment(PAPER, results), to_markdown(PAPER, results)
    for words in ("12.5% (10.0 to 15.0%)", "hybrid, seed 3", "79.23", "held-out programs (100 easy)"):
        assert words in page
        assert words in text
    assert all(sentence.replace("'", "&#39;") in page for sentence in PAPER.differences)
