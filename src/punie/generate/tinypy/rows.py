"""TinyPy as a dataset: levels in turn, no program twice, and splits that share none under other names either.

Which split a program belongs to depends on itself alone, so what one seed tests, no other seed teaches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from punie.data.compare.split import side_of
from punie.data.dataset import Manifest
from punie.data.progress import Progress, unheard, watched
from punie.data.source import SPLITS
from punie.data.writer import DatasetWriter
from punie.errors import UsageError
from punie.generate.dice import Dice
from punie.generate.tinypy.grammar import LEVELS
from punie.generate.tinypy.program import Program, draw_program

_HELD_OUT = 5
"""Percent of the rows in valid, and as many in test."""
_SMALLEST = 20
_PATIENCE = 20_000
"""Programs drawn in a row without a new one before a level counts as used up."""


def generate_tinypy(
    output: Path,
    count: int,
    seed: int,
    *,
    levels: Sequence[int] = tuple(LEVELS),
    empty: float | None = None,
    progress: Progress = unheard,
) -> Manifest:
    """Write `count` rows of text: 90 % train, 5 % valid, 5 % test, and in each split as many of each level.

    `empty` is the percentage of rows without output at every level that has such programs; without it they are as
    many as are drawn. Raises UsageError where the output is in use, or there are not as many programs.
    """
    _require_sense(count, levels, empty)
    recipe = {"command": "generate", "kind": "tinypy", "version": 1, "count": count, "seed": seed}
    rejected = Counter[str]()
    with DatasetWriter(output, recipe={**recipe, "levels": list(levels), "empty": empty}) as writer:
        programs = draw_programs(count, seed, levels, empty, rejected)
        for number, (split, program) in enumerate(watched(programs, progress, "generating", count), start=1):
            writer.write(split, msgspec.json.encode(_row(program, f"tinypy-{seed}-{number}")))
        writer.recipe["rejected"] = dict(sorted(rejected.items()))
    assert writer.manifest is not None
    return writer.manifest


def draw_programs(
    count: int, seed: int, levels: Sequence[int], empty: float | None, rejected: Counter[str]
) -> Iterator[tuple[str, Program]]:
    """`count` different programs with their splits, level after level in turn. Counts by reason what was drawn in vain.

    Raises UsageError where a level has no more programs.
    """
    seen = set[str]()
    places = {level: _Places(_shares(count, len(levels), turn), level, empty) for turn, level in enumerate(levels)}
    dice = {level: Dice(f"tinypy {seed} {level}") for level in levels}
    for number in range(count):
        level = levels[number % len(levels)]
        yield _draw_new(level, dice[level], places[level], seen, rejected)


class _Places:
    """How many programs of one level each split still takes: those without output, the others, or either (None)."""

    def __init__(self, rows: dict[str, int], level: int, empty: float | None) -> None:
        self._told_apart = empty is not None and LEVELS[level].can_print_nothing
        self._left = Counter[tuple[str, bool | None]]()
        for split, many in rows.items():
            without = round(many * (empty or 0) / 100)
            parts = {True: without, False: many - without} if self._told_apart else {None: many}
            self._left.update({(split, kind): size for kind, size in parts.items()})

    def take(self, split: str, program: Program) -> bool:
        """Whether there was a place."""
        place = split, (not program.output if self._told_apart else None)
        if self._left[place] == 0:
            return False
        self._left[place] -= 1
        return True


def _draw_new(level: int, dice: Dice, places: _Places, seen: set[str], rejected: Counter[str]) -> tuple[str, Program]:
    for _ in range(_PATIENCE):
        program = draw_program(level, dice)
        if program is None:
            rejected["division by zero"] += 1
            continue
        if program.source in seen:
            rejected["repeated"] += 1
            continue
        split = side_of(program.shape.encode(), _HELD_OUT, _HELD_OUT, 0)
        if places.take(split, program):
            seen.add(program.source)
            return split, program
        rejected["no place left"] += 1
    raise UsageError(
        f"Level {level} of TinyPy has too few different programs: none of {_PATIENCE:,} more had a place.",
        hint="Ask for fewer rows, for more levels, or for another share of programs without output.",
    )


def _shares(count: int, levels: int, turn: int) -> dict[str, int]:
    """Rows of one level by split, so that over all levels they make `count`."""
    of_level = count // levels + (turn < count % levels)
    held_out = max(1, round(of_level * _HELD_OUT / 100))
    return dict(zip(SPLITS, (of_level - 2 * held_out, held_out, held_out), strict=True))


def _require_sense(count: int, levels: Sequence[int], empty: float | None) -> None:
    if unknown := [level for level in levels if level not in LEVELS]:
        raise UsageError(f"TinyPy has no level {unknown[0]}.", hint=f"Levels are 1 to {max(LEVELS)}.")
    if not levels or len(set(levels)) < len(levels):
        raise UsageError("Each level of TinyPy can be named once, and one must be.")
    if count < (least := max(_SMALLEST, 3 * len(levels))):
        raise UsageError(f"{count} programs are too few for three splits.", hint=f"Ask for at least {least}.")
    if empty is not None and not 0 <= empty <= 100:
        raise UsageError(f"{empty:g} % is not a share of programs.", hint="Give a number from 0 to 100.")


def _row(program: Program, name: str) -> dict[str, Any]:
    return {
        "id": name,
        "text": program.text,
        "metadata": {
            "level": program.level,
            "paper_level": LEVELS[program.level].paper,
            "length": len(program.text),
            "lines": program.source.count("\n") + 1,
            "trace_length": program.steps,
            "output_lines": len(program.output),
            "output_empty": not program.output,
        },
    }
