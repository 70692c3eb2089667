"""From a curriculum to its lessons: which phases each shows, and how. What rows these are is not known here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from punie.curriculum.curriculum import (
    Adaptive,
    Anti,
    Competence,
    Curriculum,
    Hybrid,
    Incremental,
    Mixed,
    Phase,
    Sequential,
)
from punie.curriculum.mix import Growth, Hardest, Ladder, Mix, Part, Replay
from punie.curriculum.pace import Restart


@dataclass(frozen=True, slots=True)
class Lesson:
    """A stage to be: what it shows, at the pace of a phase, for as long as `timed_by` are learned together."""

    name: str
    pace: Phase
    mix: Mix
    restart: Restart
    timed_by: Sequence[Phase]


def lessons(curriculum: Curriculum) -> list[Lesson]:
    """In the order of the run. A control has those of the schedule whose rows it shows."""
    phases = curriculum.phases
    match curriculum.order:
        case Mixed() if not any(map(curriculum.breaks_before, phases[1:])):
            return [_whole("mixed", curriculum, Mix(parts=_parts(phases)))]
        case Mixed():
            mixes = [Mix(parts=_parts(phases)) for _ in phases]
            names = [f"mixed-{number}" for number in range(1, len(phases) + 1)]
        case Competence() as schedule:
            growth = Growth(**schedule.model_dump(exclude={"kind"}))
            return [_whole("competence", curriculum, Mix(parts=_parts(phases), growth=growth))]
        case Adaptive() as schedule:
            ladder = Ladder(**schedule.model_dump(exclude={"kind"}), replay=curriculum.replay)
            return [_whole("adaptive", curriculum, Mix(parts=_parts(phases), ladder=ladder))]
        case Sequential():
            mixes, names = [Mix(parts=_parts([phase])) for phase in phases], _names(phases)
        case Anti():
            phases = phases[::-1]
            mixes, names = [Mix(parts=_parts([phase])) for phase in phases], _names(phases)
        case Incremental():
            mixes, names = [Mix(parts=_parts(phases[: n + 1])) for n in range(len(phases))], _names(phases)
        case Hybrid(hardest=share, by=field):
            hardest = Hardest(share=share, by=field)
            mixes = [Mix(parts=(*_parts(phases[:n], hardest), *_parts([phases[n]]))) for n in range(len(phases))]
            names = _names(phases)
    mixes = [_with_replay(mix, phases[:number], curriculum.replay) for number, mix in enumerate(mixes)]
    restarts = [_restart(curriculum, number, phase) for number, phase in enumerate(phases)]
    return list(map(Lesson, names, phases, mixes, restarts, ((phase,) for phase in phases)))


def _whole(name: str, curriculum: Curriculum, mix: Mix) -> Lesson:
    return Lesson(name, curriculum.phases[0], mix, "none", curriculum.phases)


def _with_replay(mix: Mix, earlier: Sequence[Phase], share: float) -> Mix:
    if not earlier or not share:
        return mix
    return mix.model_copy(update={"replay": Replay(share=share, parts=_parts(earlier))})


def _restart(curriculum: Curriculum, number: int, phase: Phase) -> Restart:
    """There is nothing to restart at the beginning of a run."""
    return phase.restart or (curriculum.restart if number else "none")


def _parts(phases: Sequence[Phase], hardest: Hardest | None = None) -> tuple[Part, ...]:
    return tuple(Part(phase=phase.name, where=phase.where, hardest=hardest) for phase in phases)


def _names(phases: Sequence[Phase]) -> list[str]:
    return [phase.name for phase in phases]
