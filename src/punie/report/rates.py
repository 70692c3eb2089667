"""Shares of right answers: by category, by tag, and beside what others published."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from punie.evaluation.outcomes import EvaluationRun, Trial
from punie.evaluation.stats import Rate, clustered_rate
from punie.evaluation.suite import Published


@dataclass(frozen=True, slots=True)
class RateRow:
    """`partial` is the mean share of tests that wrong answers pass, of cases with code; None where there are none."""

    name: str
    rate: Rate
    partial: float | None = None


@dataclass(frozen=True, slots=True)
class BesideRow:
    """A row of this run, and what others published under the same name."""

    own: RateRow
    right: int
    counted: int


@dataclass(frozen=True, slots=True)
class Beside:
    """A published table, counted `by` category or a tag, with this run's numbers on its cases of the same kind."""

    by: str
    name: str
    note: str
    rows: tuple[BesideRow, ...]
    overall: BesideRow


def rate(trials: Iterable[Trial]) -> Rate:
    return clustered_rate(tallies(trials))


def rate_row(name: str, trials: Sequence[Trial]) -> RateRow:
    wrong = [trial for trial in trials if trial.counted and not trial.right]
    parts = [trial.partial or 0.0 for trial in wrong if trial.case.expect.kind == "code"]
    return RateRow(name, rate(trials), fmean(parts) if parts else None)


def tag_rows(trials: Iterable[Trial]) -> dict[str, tuple[RateRow, ...]]:
    """For each name of a tag a row for each of its values, numbers in their order."""
    found: dict[str, dict[str, list[Trial]]] = defaultdict(lambda: defaultdict(list))
    for trial in trials:
        for name, value in trial.case.tags.items():
            found[name][value].append(trial)
    return {
        name: tuple(rate_row(value, values[value]) for value in sorted(values, key=by_size))
        for name, values in found.items()
    }


def by_size(value: str) -> tuple[bool, int]:
    """Numbers by their size, before words in the order in which they came."""
    return (False, int(value)) if value.isdecimal() else (True, 0)


def beside_published(run: EvaluationRun) -> tuple[Beside, ...]:
    """A table for each way in which what was published counts. None where the run has several suites."""
    published = run.record.suites[0].published if len(run.record.suites) == 1 else None
    if published is None:
        return ()
    alike = [trial for trial in run.trials if _is_alike(trial, published)]
    return tuple(
        Beside(
            by=by,
            name=published.name,
            note=published.note,
            rows=tuple(
                _beside(value, [t for t in alike if _counted_under(t, by) == value], rows[value]) for value in rows
            ),
            overall=_beside("All of these", alike, _summed(rows.values())),
        )
        for by, rows in published.rows.items()
    )


def _is_alike(trial: Trial, published: Published) -> bool:
    categories = published.rows.get("category")
    return published.where.items() <= trial.case.tags.items() and (
        categories is None or trial.case.category in categories
    )


def _counted_under(trial: Trial, by: str) -> str | None:
    return trial.case.category if by == "category" else trial.case.tags.get(by)


def _beside(name: str, trials: Sequence[Trial], published: tuple[int, int]) -> BesideRow:
    return BesideRow(rate_row(name, trials), *published)


def _summed(rows: Iterable[tuple[int, int]]) -> tuple[int, int]:
    right, counted = zip(*rows, strict=True)
    return sum(right), sum(counted)


def tallies(trials: Iterable[Trial]) -> list[tuple[int, int]]:
    """Right and counted answers of each case."""
    found: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for trial in trials:
        if trial.counted:
            found[trial.suite, trial.case.id].append(trial.right)
    return [(sum(rights), len(rights)) for rights in found.values()]
