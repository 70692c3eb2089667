"""The cases of a page in groups by what became of them, and what they can be filtered by."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from punie.evaluation.outcomes import Outcome, Trial
from punie.report import numbers
from punie.report.cases import CaseView, merged, told_apart, view_case, word
from punie.report.comparison import Comparison
from punie.report.several import Several
from punie.report.summary import Summary

_BUCKETS = ("broken", "fixed", "still failing", "still right", "wrong", "failed", "partly right", "right", "not scored")
_FACETS = {"outcome": "Outcome", "category": "Category", "failure": "What was wrong"}
"""What a list of cases is filtered by, in this order."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a facet, the word the page's script has for it, and how many cases have it."""

    word: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Facet:
    """One thing that cases are filtered by."""

    name: str
    title: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class CaseList:
    """All cases of a page, in groups by what became of them, the group a reader wants first in front."""

    groups: Mapping[str, tuple[CaseView, ...]]
    facets: tuple[Facet, ...]
    total: int


def comparison_cases(comparison: Comparison) -> CaseList:
    """The pairs, broken first."""
    several = len({pair.suite for pair in comparison.pairs}) > 1
    return list_cases(
        told_apart(view_case(pair.before[0], several, pair.bucket.value, {"Before": pair.before, "After": pair.after}))
        for pair in comparison.pairs
    )


def several_cases(several: Several) -> CaseList:
    """The cases of several runs: broken in one of them first."""
    suites = len({case.before[0].suite for case in several.cases}) > 1
    base, *names = several.names
    return list_cases(
        merged(
            view_case(
                case.before[0],
                suites,
                case.bucket.value,
                {base: case.before}
                | {name: pair.after if pair else () for name, pair in zip(names, case.pairs, strict=True)},
            )
        )
        for case in several.cases
    )


def run_cases(summary: Summary) -> CaseList:
    """The cases with their trials, wrong first."""
    several = len(summary.record.suites) > 1
    found: dict[tuple[str, str], list[Trial]] = defaultdict(list)
    for trial in summary.trials:
        found[trial.suite, trial.case.id].append(trial)
    return list_cases(
        merged(view_case(trials[0], several, _state(trials), {"Answer": trials})) for trials in found.values()
    )


def list_cases(views: Iterable[CaseView]) -> CaseList:
    """Views in the order of their suites, by group."""
    groups: dict[str, list[CaseView]] = {name: [] for name in _BUCKETS}
    for view in views:
        groups[view.bucket].append(view)
    found = {name: tuple(group) for name, group in groups.items() if group}
    everything = [view for group in found.values() for view in group]
    return CaseList(found, tuple(_facet(name, everything) for name in _FACETS), len(everything))


def _facet(name: str, views: Iterable[CaseView]) -> Facet:
    counts = Counter(value for view in views for value in view.facets[name])
    label = numbers.category if name == "category" else str
    return Facet(name, _FACETS[name], tuple(Choice(word(value), label(value), counts[value]) for value in counts))


def _state(trials: Sequence[Trial]) -> str:
    if all(trial.outcome is Outcome.FAILED for trial in trials):
        return "failed"
    counted = [trial.right for trial in trials if trial.counted]
    if not counted:
        return "not scored"
    return "right" if all(counted) else "partly right" if any(counted) else "wrong"
