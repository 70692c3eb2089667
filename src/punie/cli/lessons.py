"""`punie curriculum show`: what a curriculum will do, before a night is spent on it."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from punie.cli.options import Json, Seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from punie.curriculum.mix import Part
    from punie.curriculum.schedule import Lesson
    from punie.training.exposure import Exposure, PhaseExposure, Span

_BLOCKS = " ▁▂▃▄▅▆▇█"


def show(
    file: Annotated[Path, typer.Argument(help="A curriculum in YAML.")],
    data: Annotated[
        Path | None, typer.Option("--data", help="The dataset folder to learn from: its rows are counted.")
    ] = None,
    iters: Annotated[
        int | None, typer.Option(min=1, help="Batches of the run, where the phases do not say theirs.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Rows per batch.")] = 4,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Draw which rows are seen when; with --data the share of each phase from step to step, and how often rows come."""
    if data is None:
        _show_lessons(file, as_json)
    else:
        _show_exposure(_exposure(file, data, iters=iters, batch_size=batch_size, seed=seed), as_json)


def _show_lessons(file: Path, as_json: bool) -> None:
    from punie.cli import console
    from punie.curriculum.schedule import lessons
    from punie.training.request import read_curriculum

    curriculum = read_curriculum(str(file), "")
    found = lessons(curriculum)
    if as_json:
        shown = [{"stage": x.name, "restart": x.restart, "mix": x.mix.model_dump(mode="json")} for x in found]
        console.print_json({"schedule": curriculum.schedule.model_dump(mode="json"), "stages": shown})
        return
    for lesson in found:
        console.print_section(lesson.name, _told(lesson))
    if curriculum.schedule.kind == "control":
        console.note("A control: what these stages show, each row as often, in random order.")
    console.note("With --data the rows are counted.")


def _told(lesson: Lesson) -> str:
    mix = lesson.mix
    words = ["  shows " + ", ".join(map(_part, mix.parts))]
    if mix.replay is not None:
        words.append(f"{mix.replay.share:.0%} of it from {', '.join(map(_part, mix.replay.parts))}")
    if mix.growth is not None:
        words.append(f"the easiest {mix.growth.start:.0%} by {mix.growth.by} at first")
        words.append(f"all after {mix.growth.full_after:.0%} of the run")
    if mix.ladder is not None:
        back = "" if mix.ladder.back_above is None else f", the one before from {mix.ladder.back_above:g} nats on"
        words.append(f"one at a time: the next where its validation loss is at most {mix.ladder.advance_below:g}{back}")
    if lesson.restart != "none":
        words.append(f"restarts {lesson.restart}")
    return "; ".join(words)


def _part(part: Part) -> str:
    return part.phase if part.hardest is None else f"the hardest {part.hardest.share:.0%} of {part.phase}"


def _exposure(file: Path, data: Path, **values: Any) -> Exposure:
    from punie.files import read_jsonl
    from punie.training.exposure import exposure
    from punie.training.request import parse_plan
    from punie.training.rows import training_file

    paths = {"model": "tiny", "adapter_path": "adapters/mine", "data": str(data), "curriculum": str(file)}
    plan = parse_plan({**paths, **{key: value for key, value in values.items() if value is not None}}, where=str(file))
    train = training_file(plan.data)
    return exposure(plan, [row for _, row in read_jsonl(train)], str(train))


def _show_exposure(found: Exposure, as_json: bool) -> None:
    from punie.cli import console

    phases = [phase.phase for phase in found.phases]
    if as_json:
        names = ("stages", "windows", "phases")
        lists = {name: [item._asdict() for item in getattr(found, name)] for name in names}
        console.print_json({**lists, "unseen": found.unseen})
        return
    width = max(map(len, phases))
    for phase in phases:
        blocks = "".join(_BLOCKS[ceil(_share(window, phase) * (len(_BLOCKS) - 1))] for window in found.windows)
        console.print_line(f"{phase:<{width}} |{blocks}|")
    console.print_line("")
    console.print_table(["stage", "iterations", *phases], _stage_lines(found.stages, phases))
    console.print_line("")
    console.print_table(["phase", "rows", "shown", "each on average", "each"], map(_phase_line, found.phases))
    if found.unseen:
        console.note(f"{found.unseen:,} rows are in no phase and are never shown.")


def _stage_lines(stages: Sequence[Span], phases: Sequence[str]) -> list[tuple[str, ...]]:
    return [
        (span.stage, f"{span.first:,}-{span.last:,}", *(f"{_share(span, phase):.0%}" for phase in phases))
        for span in stages
    ]


def _phase_line(phase: PhaseExposure) -> tuple[str, ...]:
    times = f"{phase.shown / phase.rows:.1f}", f"{phase.fewest} to {phase.most}"
    return phase.phase, f"{phase.rows:,}", f"{phase.shown:,}", *times


def _share(span: Span, phase: str) -> float:
    return span.shown.get(phase, 0) / sum(span.shown.values())
