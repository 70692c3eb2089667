"""What each stage of a run sees: its rows, and the steps that are made of them. Pure numpy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count, islice
from math import ceil
from typing import Any

import numpy as np

from punie.curriculum.epochs import Epochs, Given, Growing, Replayed, Shuffled
from punie.curriculum.mix import FoundMix, Rows, find_mix, union
from punie.training.batches import TokenRow
from punie.training.batching import Batching
from punie.training.ladder import Judged, climbing_order
from punie.training.stage import Stage, starts


@dataclass(frozen=True, slots=True)
class View:
    """A stage that begins at iteration `start`, with its rows and what was found in them."""

    stage: Stage
    start: int
    found: FoundMix

    @property
    def rows(self) -> list[int]:
        """All that it may show, each once."""
        return sorted({*self.found.new, *self.found.old})

    def values(self) -> dict[str, Any]:
        """The stage, as the echo tells it."""
        return {**self.stage.model_dump(include={"name", "iters", "order", "restart"}), **self.found.told()}

    def phase_source(self, number: int, seed: int) -> Epochs:
        """Of an adaptive stage: where the steps of one phase are drawn from."""
        parts, share = self.found.parts, self.found.mix.ladder.replay if self.found.mix.ladder else 0.0
        new = Shuffled(parts[number].rows, seed)
        if not number or not share:
            return new
        return Replayed(new, Shuffled(union(parts[:number]), _apart(seed, 0, 1)), share)

    def source(self, seed: int) -> Epochs | Growing:
        """Where its steps are drawn from."""
        mix, new = self.found.mix, self.found.new
        if mix.growth is not None:
            steps = ceil(mix.growth.full_after * self.stage.iters)
            return Growing(_easiest_first(self.found, seed), mix.growth.start, mix.growth.power, steps, seed)
        if mix.replay is not None:
            return Replayed(Shuffled(new, seed), Shuffled(self.found.old, _apart(seed, 0, 1)), mix.replay.share)
        return Given(new) if self.stage.order == "given" else Shuffled(new, seed)

    def order(
        self, batching: Batching, rows: Sequence[TokenRow], seed: int, begun: int, judged: Sequence[Judged]
    ) -> Iterator[list[int]]:
        """Its steps from step `begun` on; those of an adaptive stage follow what was judged when each is asked for."""

        def of_phase(number: int, first: int) -> Iterator[list[int]]:
            own = _apart(seed, number)
            return batching.order(rows, self.phase_source(number, own), own, first)

        source = self.source(seed)
        if self.found.mix.ladder is not None:
            steps = climbing_order(judged, begun, of_phase)
        elif isinstance(source, Growing):
            steps = (batching.step(rows, source.draw(step, batching.least)) for step in count(begun))
        else:
            steps = batching.order(rows, source, seed, begun)
        return islice(steps, max(self.stage.iters - begun, 0))


def stage_views(stages: Sequence[Stage], rows: Rows, place: str) -> tuple[View, ...]:
    """`place` says in errors where the rows are. Raises DataError for a stage that selects nothing."""
    return tuple(
        View(stage, start, find_mix(stage.shows, rows, place))
        for stage, start in zip(stages, starts(stages), strict=True)
    )


def phases_of(views: Sequence[View]) -> dict[int, str]:
    """Of each row that a stage shows, the first phase that has it."""
    named = dict[int, str]()
    for view in views:
        for row, phase in view.found.phases():
            named.setdefault(row, phase)
    return named


def staged_order(
    views: Sequence[View],
    batching: Batching,
    rows: Sequence[TokenRow],
    seed: int,
    first: int,
    *,
    spread: bool = False,
    judged: Sequence[Judged] = (),
) -> Iterator[list[int]]:
    """The rows of each step from step `first` on, stage by stage; of all rows, endless, where there are no stages.

    With `spread` the rows of all stages, each as often as they show it, are shuffled over the whole run. An adaptive
    stage reads in `judged` what was decided before each step.
    """
    if not views:
        return batching.order(rows, Shuffled(range(len(rows)), seed), seed, first)
    if not spread:
        orders = (
            view.order(batching, rows, _apart(seed, n), max(first - view.start, 0), judged)
            for n, view in enumerate(views)
        )
        return chain.from_iterable(orders)
    shown = np.fromiter(chain.from_iterable(staged_order(views, batching, rows, seed, 0)), np.int64)
    own = _apart(seed, len(views))
    steps = sum(view.stage.iters for view in views)
    return islice(batching.order(rows, Shuffled(shown, own), own, first), max(steps - first, 0))


def _apart(seed: int, *place: int) -> int:
    """The seed itself for place 0; what is drawn over the same rows must not be drawn alike."""
    return seed if place == (0,) else int(np.random.SeedSequence([seed, *place]).generate_state(1, np.uint64)[0])


def _easiest_first(found: FoundMix, seed: int) -> list[int]:
    """Rows of one difficulty in random order."""
    shuffled = np.random.default_rng(seed).permutation(len(found.new))
    return np.asarray(found.new)[np.lexsort([shuffled, np.asarray(found.numbers)])].tolist()
