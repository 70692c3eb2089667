"""The pairs of a comparison once more by each of their tags: before, after and change of every kind of case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from punie.evaluation.stats import holm
from punie.report.comparison import CategoryRow
from punie.report.pairing import Pair
from punie.report.rates import by_size

Breakdown = Mapping[str, tuple[CategoryRow, ...]]
"""The rows of each tag, under its name."""

DIFFICULTY, LEVEL = "difficulty", "level"
LEVELS = {"easy (1 to 3)": range(1, 4), "medium (4 to 6)": range(4, 7), "hard (7 to 10)": range(7, 11)}
"""What the experiment that the difficulties come from called them."""


def break_down(pairs: Iterable[Pair], row: Callable[[str, Sequence[Pair]], CategoryRow]) -> Breakdown:
    """A table for each tag that has several values, a row for each; difficulties from 1 to 10 once more in levels."""
    found: dict[str, dict[str, list[Pair]]] = defaultdict(lambda: defaultdict(list))
    for pair in pairs:
        for name, value in pair.case.tags.items():
            found[name][value].append(pair)
    tables = {
        name: [row(value, values[value]) for value in sorted(values, key=by_size)]
        for name, values in found.items()
        if len(values) > 1
    }
    if LEVEL not in tables and (levels := _levels(found.get(DIFFICULTY, {}))):
        tables[LEVEL] = [row(name, levels[name]) for name in levels]
    return {name: tuple(rows) for name, rows in tables.items()}


def adjusted(breakdowns: Sequence[Breakdown]) -> list[Breakdown]:
    """Each table's p-values adjusted for all its rows in every run that is compared (Holm)."""
    names = dict.fromkeys(name for breakdown in breakdowns for name in breakdown)
    after = {name: iter(holm([row.p for breakdown in breakdowns for row in breakdown.get(name, ())])) for name in names}
    return [
        {name: tuple(replace(row, p_holm=next(after[name])) for row in rows) for name, rows in breakdown.items()}
        for breakdown in breakdowns
    ]


def _levels(difficulties: Mapping[str, list[Pair]]) -> dict[str, list[Pair]]:
    """Empty where some difficulty is none from 1 to 10."""
    known = {str(number): name for name, numbers in LEVELS.items() for number in numbers}
    if not difficulties.keys() <= known.keys():
        return {}
    levels = {
        name: [pair for value, pairs in difficulties.items() if known[value] == name for pair in pairs]
        for name in LEVELS
    }
    return {name: pairs for name, pairs in levels.items() if pairs}
