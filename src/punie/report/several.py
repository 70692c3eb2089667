"""Several runs beside one base: which is better, and what became of each case in each of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from punie.errors import UsageError
from punie.evaluation.outcomes import Trial
from punie.evaluation.stats import Rate
from punie.report import numbers
from punie.report.cautions import Caution, listed, said_once
from punie.report.comparison import CategoryRow, Comparison, Verdict
from punie.report.gate import gate_failures
from punie.report.pairing import Bucket, Pair
from punie.report.rates import rate
from punie.report.taught import Teaching

MOST_RUNS = 8
"""So many columns can be read side by side, the base among them."""


@dataclass(frozen=True, slots=True)
class CaseAcross:
    """A case of the base, and its pair with each run; None where a run was not asked it."""

    pairs: tuple[Pair | None, ...]

    @property
    def before(self) -> tuple[Trial, ...]:
        return next(pair for pair in self.pairs if pair).before

    @property
    def bucket(self) -> Bucket:
        """Broken where it broke in one of the runs; else fixed where it was fixed in one; else as it was."""
        found = {pair.bucket for pair in self.pairs if pair}
        return next(bucket for bucket in Bucket if bucket in found)


@dataclass(frozen=True, slots=True)
class CategoryAcross:
    """One category, or all cases: how the base did, and the row of each run; None where it was asked none."""

    name: str
    base: Rate
    rows: tuple[CategoryRow | None, ...]


@dataclass(frozen=True, slots=True)
class Several:
    """Comparisons with one base. `names` are those of the runs, the base first, each once."""

    names: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    categories: tuple[CategoryAcross, ...]
    overall: CategoryAcross
    cases: tuple[CaseAcross, ...]

    @property
    def best(self) -> int | None:
        """Which run has the largest change of those that are better."""
        better = [n for n, found in enumerate(self.comparisons) if found.verdict is Verdict.BETTER]
        return max(better, key=lambda n: self.comparisons[n].overall.delta, default=None)

    @property
    def statement(self) -> str:
        """The result as a sentence."""
        verdicts = Counter(found.verdict for found in self.comparisons)
        runs, better, worse = len(self.comparisons), verdicts[Verdict.BETTER], verdicts[Verdict.WORSE]
        lost = f"; {worse} {'is' if worse == 1 else 'are'} worse" if worse else ""
        if self.best is None:
            return f"No run of {runs} is shown to be better than {self.names[0]}{lost}."
        best = self.comparisons[self.best]
        return (
            f"{better} of {runs} runs {'is' if better == 1 else 'are'} better than {self.names[0]}{lost}. Most of all "
            f"{self.names[self.best + 1]}: {numbers.count(best.overall.after)} right, {self.names[0]} "
            f"{numbers.count(best.overall.before)}."
        )

    @property
    def evidence(self) -> str:
        """How sure the best is, where it got worse, and what being the best of several is worth."""
        tested = f"Each run is tested against {self.names[0]}, and none against another."
        if self.best is None:
            highest = max(range(len(self.comparisons)), key=lambda n: self.comparisons[n].overall.after.right)
            name, found = self.names[highest + 1], self.comparisons[highest]
            return f"Highest is {name}, {found.verdict}: {found.evidence}. {found.losses} {tested}"
        name, best = self.names[self.best + 1], self.comparisons[self.best]
        return (
            f"{name}: {best.evidence}. {best.losses} {tested} The best of several looks better than it is: "
            "ask it cases that did not choose it."
        )

    @property
    def unlike(self) -> tuple[str, ...]:
        """What differs from the base besides the model, run by run."""
        named = zip(self.names[1:], self.comparisons, strict=True)
        return tuple(said_once(Caution("", name, f": {text}") for name, found in named for text in found.unlike))

    @property
    def doubts(self) -> tuple[str, ...]:
        """What weakens the numbers, each said once."""
        doubts = (doubt for found in self.comparisons for doubt in found.doubts)
        return (*_taught(self.comparisons), *said_once(doubts))

    @property
    def gates(self) -> tuple[tuple[str, ...], ...]:
        """Why each run does not pass."""
        return tuple(tuple(gate_failures(found)) for found in self.comparisons)


def side_by_side(comparisons: Sequence[Comparison]) -> Several:
    """Put comparisons with the same base side by side. Raises UsageError where they are too many to read."""
    if len(comparisons) >= MOST_RUNS:
        raise UsageError(
            f"{len(comparisons) + 1} runs are too many to read side by side.",
            hint=f"Compare at most {MOST_RUNS}, the base among them.",
        )
    cases = _cases(comparisons)
    return Several(
        names=_distinct([comparisons[0].before.name, *(found.after.name for found in comparisons)]),
        comparisons=tuple(comparisons),
        categories=_categories(comparisons, cases),
        overall=CategoryAcross("overall", _base_rate(cases), tuple(found.overall for found in comparisons)),
        cases=cases,
    )


def _taught(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """One sentence about all runs that were taught the same."""
    groups: dict[tuple[object, ...], dict[str, Teaching]] = defaultdict(dict)
    for teaching in (teaching for found in comparisons for teaching in found.taught):
        groups[(*teaching.cases.items(), teaching.unchecked)][teaching.run] = teaching
    for group in groups.values():
        one = next(iter(group.values()))
        yield from filter(None, [replace(one, run=listed(group)).sentence])


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Runs of one name in different folders are numbered."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return tuple(found)


def _cases(comparisons: Sequence[Comparison]) -> tuple[CaseAcross, ...]:
    by_case = [{(pair.suite, pair.case.id): pair for pair in found.pairs} for found in comparisons]
    keys = dict.fromkeys(key for pairs in by_case for key in pairs)
    return tuple(CaseAcross(tuple(pairs.get(key) for pairs in by_case)) for key in keys)


def _categories(comparisons: Sequence[Comparison], cases: Sequence[CaseAcross]) -> tuple[CategoryAcross, ...]:
    """Under the names that the rows have; a run that was asked one suite of several has them without the suite."""
    several = len({case.before[0].suite for case in cases}) > 1
    found: dict[tuple[str, str], list[CaseAcross]] = defaultdict(list)
    for case in cases:
        found[case.before[0].suite, case.before[0].case.category].append(case)
    rows = [{row.name: row for row in comparison.rows} for comparison in comparisons]
    across = []
    for (suite, category), members in found.items():
        name = f"{suite}: {category}" if several else category
        across.append(CategoryAcross(name, _base_rate(members), tuple(of.get(name, of.get(category)) for of in rows)))
    return tuple(across)


def _base_rate(cases: Sequence[CaseAcross]) -> Rate:
    return rate(trial for case in cases for trial in case.before)
