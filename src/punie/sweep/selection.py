"""Which setting is chosen, and how much of its lead is the luck of the best of several. Pure functions.

A setting competes with the mean over its repeats. Only settings that were measured equally often compete, so one that
failed once, or that the budget left half done, wins nothing by having fewer chances to be bad.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from punie.evaluation.stats import expected_largest, flattery


@dataclass(frozen=True, slots=True)
class Measured:
    """What one trial came to: `value` is the share right, or a validation loss; `cases` were counted for it."""

    setting: int
    rung: int
    repeat: int
    value: float
    cases: float = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """A setting among those it competes with: its values, repeat by repeat, and their mean."""

    setting: int
    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.values)


@dataclass(frozen=True, slots=True)
class Choice:
    """The best setting of those `standings` that competed in the end, out of `candidates` that were measured at all.

    `gain` is by how much the best of so many equal settings would on average lie before their mean, by chance alone;
    None where that cannot be known. `lead` is by how much this one does. Both are positive where it is better.
    """

    rung: int
    standings: tuple[Standing, ...]
    candidates: int
    lead: float
    gain: float | None

    @property
    def setting(self) -> int:
        return self.standings[0].setting

    @property
    def mean(self) -> float:
        return self.standings[0].mean


def standings(measured: Iterable[Measured], *, rung: int, lower: bool) -> tuple[Standing, ...]:
    """Of the settings of a rung that were measured most often, the best first; of equal ones the first of the sweep.

    `lower` says that the lower value is the better one.
    """
    values: dict[int, dict[int, float]] = defaultdict(dict)
    for one in measured:
        if one.rung == rung:
            values[one.setting][one.repeat] = one.value
    most = max(map(len, values.values()), default=0)
    found = [Standing(setting, tuple(of[repeat] for repeat in sorted(of))) for setting, of in values.items()]
    full = [standing for standing in found if len(standing.values) == most]
    return tuple(sorted(full, key=lambda one: (one.mean if lower else -one.mean, one.setting)))


def choose(measured: Sequence[Measured], whole: Collection[int], *, lower: bool) -> Choice | None:
    """The best setting of the last rung that is `whole`; None where nothing was measured.

    A rung that the budget cut short would choose among those that came first, so it decides only where it is the first.
    """
    finite = [one for one in measured if math.isfinite(one.value)]
    reached = {one.rung for one in finite}
    if not reached:
        return None
    rung = max(reached.intersection(whole), default=min(reached))
    ranked = standings(finite, rung=rung, lower=lower)
    candidates = len({one.setting for one in finite})
    lead = abs(ranked[0].mean - fmean(standing.mean for standing in ranked))
    cases = [one.cases for one in finite if one.rung == rung and not lower]
    return Choice(rung, ranked, candidates, lead, _gain(ranked, candidates, cases))


def _gain(ranked: Sequence[Standing], candidates: int, cases: Sequence[float]) -> float | None:
    """Of shares, from what so many cases leave to chance; of losses, from how far the repeats of a setting differ."""
    if cases:
        return flattery(fmean(standing.mean for standing in ranked), round(fmean(cases)), candidates)
    repeats = len(ranked[0].values)
    if repeats < 2:
        return None
    spread = fmean(variance(standing.values) for standing in ranked)
    return expected_largest(candidates) * math.sqrt(spread / repeats)
