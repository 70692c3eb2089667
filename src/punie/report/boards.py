"""The cumulative tables: the evaluations that were asked the same questions, oldest first, category by category."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from punie.evaluation.stats import Rate
from punie.report import numbers
from punie.report.charts import LineChart, Series, draw_lines
from punie.report.entries import Evaluation, Journal, Training
from punie.report.history import Rows, rows_of, training_of

_FIRST = ("tool_calling", "code_generation", "reasoning")
"""Where a suite has these categories, they stand in this order before the others."""
_HASH_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Line:
    """One evaluation; `number` counts from 1 in its table. `rates` has None for a category without an answer."""

    number: int
    run: Evaluation
    training: Training | None
    rows: Rows | None
    rates: tuple[Rate | None, ...]

    @property
    def adapter(self) -> str:
        """In few words; an adapter whose training is not here is named as the user did."""
        if self.training is None or self.training.record.outcome is None:
            return self.run.record.identity.adapter or ""
        return f"{self.training.place.name}, {self.training.record.outcome.iterations:,} iterations"

    @property
    def dataset(self) -> str:
        return f"{self.rows.name}, {self.rows.count:,} rows" if self.rows else ""


@dataclass(frozen=True, slots=True)
class Board:
    """`title` is that of no other board."""

    title: str
    categories: tuple[str, ...]
    lines: tuple[Line, ...]

    def charts(self) -> Iterator[LineChart]:
        """How each category went from run to run; nothing of a single run."""
        if len(self.lines) < 2:
            return
        yield _chart(self.title, "All cases", [(line.number, line.run.scores.overall) for line in self.lines])
        for at, category in enumerate(self.categories):
            found = [(line.number, rate) for line in self.lines if (rate := line.rates[at]) is not None]
            yield _chart(self.title, numbers.category(category), found)


def boards(journal: Journal) -> tuple[Board, ...]:
    """A board for each choice of suites, in the order in which they were first asked."""
    groups = defaultdict[tuple[tuple[str, str], ...], list[Evaluation]](list)
    for evaluation in journal.evaluations:
        groups[evaluation.asked].append(evaluation)
    titles = [_title(runs[0]) for runs in groups.values()]
    return tuple(
        _board(title if titles.count(title) == 1 else f"{title}, {_hashes(runs[0])}", runs, journal)
        for title, runs in zip(titles, groups.values(), strict=True)
    )


def _title(run: Evaluation) -> str:
    return " + ".join(
        f"{suite.name.removesuffix(f':{suite.half}')}, {suite.half}, {suite.cases} cases" for suite in run.record.suites
    )


def _hashes(run: Evaluation) -> str:
    return " ".join(digest[:_HASH_SHOWN] for _, digest in run.asked)


def _board(title: str, runs: list[Evaluation], journal: Journal) -> Board:
    names = dict.fromkeys(row.name for run in runs for row in run.scores.rows)
    categories = sorted(names, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))
    lines = tuple(_line(number, run, categories, journal) for number, run in enumerate(runs, start=1))
    return Board(title, tuple(categories), lines)


def _line(number: int, run: Evaluation, categories: list[str], journal: Journal) -> Line:
    found = {row.name: row.rate for row in run.scores.rows if row.rate.counted}
    training = training_of(run, journal)
    rows = rows_of(training) if training else None
    return Line(number, run, training, rows, tuple(found.get(category) for category in categories))


def _chart(board: str, name: str, rates: Iterable[tuple[int, Rate]]) -> LineChart:
    known = [(number, rate) for number, rate in rates if rate.counted]
    points = tuple((number, 100 * rate.share) for number, rate in known)
    reach = tuple((100 * rate.interval.low, 100 * rate.interval.high) for _, rate in known)
    return draw_lines(
        name,
        [Series("right", points, marked=True, reach=reach)],
        description=f"{name} of {board}: share that is right in each run with its 95% interval, in the table's order.",
        unit="%",
        across="run",
        name=f"{board} {name}",
    )
