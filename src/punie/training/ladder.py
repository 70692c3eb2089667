"""An adaptive stage: which of its phases is learned at each step, as the validation losses so far have decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean
from typing import NamedTuple

from punie.curriculum.mix import Ladder


class Judged(NamedTuple):
    """The validation loss of the current phase, in nats, after so many iterations, and the phase that came next."""

    iteration: int
    phase: int
    loss: float
    next: int


def phase_now(judged: Sequence[Judged]) -> int:
    """By its number; a run begins with the first."""
    return judged[-1].next if judged else 0


def judge(ladder: Ladder, phases: int, judged: Sequence[Judged], iteration: int, loss: float) -> Judged:
    """What follows from one more loss. Only losses since the last move count, so that none of them moves twice."""
    now = phase_now(judged)
    moves = [number for number, one in enumerate(judged) if one.next != one.phase]
    recent = [*(one.loss for one in judged[moves[-1] + 1 if moves else 0 :]), loss][-ladder.window :]
    mean, step = fmean(recent), 0
    if len(recent) == ladder.window:
        fell_back = ladder.back_above is not None and mean >= ladder.back_above
        step = 1 if mean <= ladder.advance_below else -1 if fell_back else 0
    return Judged(iteration, now, loss, min(max(now + step, 0), phases - 1))


def climbing_order(
    judged: Sequence[Judged], begun: int, order: Callable[[int, int], Iterator[list[int]]]
) -> Iterator[list[int]]:
    """Endless steps, each of the phase that is current when it is asked for; `judged` grows meanwhile.

    `begun` steps are done. `order` gives the steps of a phase from one of its own on: a phase that comes again goes on
    where it was left.
    """
    done = Counter(_phase_at(judged, step) for step in range(begun))
    running = dict[int, Iterator[list[int]]]()
    while True:
        now = phase_now(judged)
        if now not in running:
            running[now] = order(now, done[now])
        yield next(running[now])


def _phase_at(judged: Sequence[Judged], step: int) -> int:
    return phase_now([one for one in judged if one.iteration <= step])
