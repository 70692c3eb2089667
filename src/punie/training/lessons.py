"""A curriculum as the stages of a plan: every lesson with its length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from pathlib import Path

from punie.curriculum.curriculum import Curriculum, Phase
from punie.curriculum.mix import Mix, Part, Rows, find_mix
from punie.curriculum.schedule import Lesson, lessons
from punie.errors import UsageError
from punie.files import read_jsonl
from punie.training.stage import Stage


@dataclass(frozen=True, slots=True)
class Terms:
    """What the lengths of stages depend on."""

    iters: int
    """Of the whole run, where the phases do not say theirs."""
    batches_per_update: int
    batch_size: int | None
    """None where a batch is a number of tokens."""
    data: Path
    """Whose rows are counted for epochs."""


def stages_of(curriculum: Curriculum, terms: Terms) -> list[Stage]:
    """In the order of the run. Raises UsageError where lengths cannot be had, DataError for a phase without rows."""
    planned = lessons(curriculum)
    lengths = _asked_for(planned, terms) if curriculum.timed else _equal(len(planned), terms)
    return [
        Stage(name=lesson.name, iters=iters, mix=lesson.mix, restart=lesson.restart, **lesson.pace.rate_values)
        for lesson, iters in zip(planned, lengths, strict=True)
    ]


def _equal(count: int, terms: Terms) -> list[int]:
    """Whole updates; the stages differ by one at most."""
    updates = terms.iters // terms.batches_per_update
    if updates < count:
        raise UsageError(
            f"A run of {updates} optimizer updates cannot have {count} stages.",
            hint="Give more iters, or iters for every phase.",
        )
    bounds = [updates * number // count for number in range(count + 1)]
    return [(end - begin) * terms.batches_per_update for begin, end in pairwise(bounds)]


def _asked_for(planned: Sequence[Lesson], terms: Terms) -> list[int]:
    """A lesson that several phases time is as long as they would be alone."""
    rows = [row for _, row in read_jsonl(terms.data)] if any(p.epochs for one in planned for p in one.timed_by) else []
    return [
        sum(
            _iters(phase, lesson.mix if len(lesson.timed_by) == 1 else _alone(phase), rows, terms)
            for phase in lesson.timed_by
        )
        for lesson in planned
    ]


def _alone(phase: Phase) -> Mix:
    return Mix(parts=(Part(phase=phase.name, where=phase.where),))


def _iters(phase: Phase, mix: Mix, rows: Rows, terms: Terms) -> int:
    if phase.iters is not None:
        return phase.iters
    assert phase.epochs is not None
    if terms.batch_size is None:
        raise UsageError(
            "epochs cannot be counted before the rows are tokenized; beside batch_tokens give iters.",
            where=f"phase {phase.name}",
        )
    shown = find_mix(mix, rows, str(terms.data)).pass_size
    return terms.batches_per_update * ceil(round(phase.epochs * shown / terms.batch_size / terms.batches_per_update, 9))
