"""Which rows a plan's stages will show, and when: its order, walked through without training. Pure numpy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from punie.curriculum.mix import Rows
from punie.errors import UsageError
from punie.training.batches import TokenRow
from punie.training.batching import batching
from punie.training.plan import TrainingPlan
from punie.training.views import View, phases_of, stage_views, staged_order


class Span(NamedTuple):
    """What is shown from iteration `first` to before `last`: rows by phase."""

    stage: str
    first: int
    last: int
    shown: dict[str, int]


class PhaseExposure(NamedTuple):
    """How often the rows of a phase are shown: in all, and the least and the most that one of them is."""

    phase: str
    rows: int
    shown: int
    fewest: int
    most: int


@dataclass(frozen=True, slots=True)
class Exposure:
    """Of a whole run. `windows` are equal parts of each stage, `unseen` rows that no stage shows."""

    stages: Sequence[Span]
    windows: Sequence[Span]
    phases: Sequence[PhaseExposure]
    unseen: int


def exposure(plan: TrainingPlan, rows: Rows, place: str, windows: int = 60) -> Exposure:
    """Raises UsageError for a plan without stages, or whose steps depend on tokens; DataError for an empty phase."""
    if not plan.stages:
        raise UsageError("Without stages every row is shown in every pass.", where="key stages")
    if plan.batch_tokens is not None:
        raise UsageError(
            "Which rows fill a batch of tokens is known when they are tokenized.",
            where="key batch_tokens",
            hint="Give batch_size; shares are nearly the same.",
        )
    if any(stage.adaptive for stage in plan.stages):
        raise UsageError(
            "What an adaptive schedule shows is decided while it trains.",
            where="key schedule",
            hint="Leave --data out to see its rules; the reports of a run count the rows of each phase.",
        )
    views = stage_views(plan.stages, rows, place)
    nothing = [TokenRow((), ())] * len(rows)
    steps = list(staged_order(views, batching(plan), nothing, plan.seed, 0, spread=plan.spread))
    named = phases_of(views)
    return Exposure(
        stages=[_span(view, view.start, view.start + view.stage.iters, steps, named) for view in views],
        windows=[_span(view, *ends, steps, named) for view in views for ends in _cuts(view, plan.iters, windows)],
        phases=_phases(named, Counter(chain.from_iterable(steps))),
        unseen=len(rows) - len(named),
    )


def _span(view: View, first: int, last: int, steps: Sequence[Sequence[int]], named: dict[int, str]) -> Span:
    return Span(view.stage.name, first, last, dict(Counter(named[row] for step in steps[first:last] for row in step)))


def _cuts(view: View, iters: int, windows: int) -> list[tuple[int, int]]:
    """The stage in as many parts as its share of the windows."""
    parts = max(1, min(view.stage.iters, round(windows * view.stage.iters / iters)))
    bounds = [view.start + view.stage.iters * number // parts for number in range(parts + 1)]
    return [(bounds[number], bounds[number + 1]) for number in range(parts)]


def _phases(named: dict[int, str], shown: Counter[int]) -> list[PhaseExposure]:
    members = dict[str, list[int]]()
    for row, phase in named.items():
        members.setdefault(phase, []).append(shown[row])
    return [PhaseExposure(phase, len(n), sum(n), min(n), max(n)) for phase, n in members.items()]
