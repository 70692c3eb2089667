"""Problems as a dataset: types and difficulties take turns, and the splits share no problem, no wording and no input.

Which split a twist and an input belong to depends on themselves alone, so what one seed tests, no other seed teaches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import msgspec

from punie.conversation import Row
from punie.data.dataset import Manifest
from punie.data.progress import Progress, unheard, watched
from punie.data.source import SPLITS
from punie.data.writer import DatasetWriter
from punie.errors import UsageError
from punie.generate.algorithms.catalogue import DIFFICULTIES, find_families
from punie.generate.algorithms.family import Family
from punie.generate.algorithms.problem import SHOWN, Problem, draw_problem
from punie.generate.executed import Placed, executed, exercise_row
from punie.sandbox.jail import choose_execution

_HELD_OUT = 10
"""Percent of the rows in valid, and as many in test."""
_SMALLEST = 20
_PATIENCE = 1000


def generate_algorithms(
    output: Path,
    count: int,
    seed: int,
    *,
    types: Sequence[str] = ("all",),
    difficulties: Sequence[int] = tuple(DIFFICULTIES),
    progress: Progress = unheard,
) -> Manifest:
    """Write `count` problems with solutions: 80 % train, 10 % valid, 10 % test. Each solution passed its tests.

    Types that are held out from training are in test alone. Raises UsageError for a type or difficulty that is none,
    where the output is in use, or there are not as many different questions.
    """
    families = find_families(types)
    _require_sense(count, families, difficulties)
    execution = choose_execution(unsafe=False, ours=True)
    recipe = {"command": "generate", "kind": "algorithms", "version": 1, "count": count, "seed": seed}
    told = {"types": [family.type for family in families], "difficulties": list(difficulties), "sandbox": execution}
    with DatasetWriter(output, recipe={**recipe, **told}) as writer:
        rows = executed(draw_rows(count, seed, families, difficulties), execution)
        for split, row in watched(rows, progress, "generating", count):
            writer.write(split, msgspec.json.encode(row))
    assert writer.manifest is not None
    return writer.manifest


def draw_rows(count: int, seed: int, families: Sequence[Family], difficulties: Sequence[int]) -> Iterator[Placed]:
    """`count` rows with their splits, no question twice. Raises UsageError where there are too few."""
    held_out = max(1, round(count * _HELD_OUT / 100))
    for split, rows in zip(SPLITS, (count - 2 * held_out, held_out, held_out), strict=True):
        own = [family for family in families if family.twists_of(split)]
        seen = set[str]()
        for place in range(rows):
            family = own[place % len(own)]
            difficulty = difficulties[place // len(own) % len(difficulties)]
            rng = Random(f"algorithms {seed} {split} {place}")
            problem = _draw_new(family, difficulty, split, rng, seen)
            yield split, {"id": f"algorithms-{seed}-{split}-{place + 1}", **problem_row(problem)}


def problem_row(problem: Problem) -> Row:
    """A row without its id. The first tests are those that the prompt shows."""
    return {
        **exercise_row(problem.prompt, problem.solution, problem.name, problem.asserts()),
        "category": problem.family.type,
        "difficulty": problem.difficulty,
        "metadata": {
            "problem": problem.key,
            "held_out_type": problem.family.held_out,
            "shown_tests": SHOWN,
            "size": problem.size,
            "measure": problem.family.measure,
        },
    }


def _draw_new(family: Family, difficulty: int, split: str, rng: Random, seen: set[str]) -> Problem:
    numbers = family.twists_of(split)
    for _ in range(_PATIENCE):
        problem = draw_problem(family, rng.choice(numbers), difficulty, split, rng)
        if problem.prompt not in seen:
            seen.add(problem.prompt)
            return problem
    raise UsageError(
        f"There are too few different questions of type {family.type} at difficulty {difficulty}.",
        hint="Ask for fewer rows, or for more types or difficulties.",
    )


def _require_sense(count: int, families: Sequence[Family], difficulties: Sequence[int]) -> None:
    if unknown := [difficulty for difficulty in difficulties if difficulty not in DIFFICULTIES]:
        raise UsageError(f"There is no difficulty {unknown[0]}.", hint="Difficulties are 1 to 10.")
    if not difficulties or len(set(difficulties)) < len(difficulties):
        raise UsageError("Each difficulty can be named once, and one must be.")
    if not [family for family in families if not family.held_out]:
        names = ", ".join(family.type for family in families)
        raise UsageError(f"Nothing is left to train on: {names} may only be tested.", hint="Add another type.")
    if count < _SMALLEST:
        raise UsageError(f"{count} problems are too few for three splits.", hint=f"Ask for at least {_SMALLEST}.")
