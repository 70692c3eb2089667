"""Problems as cases of a suite: plain ones, twists that are never taught, types that are held out, and a dev half."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random

from punie.conversation import Row
from punie.errors import UsageError
from punie.generate.algorithms.catalogue import FAMILIES
from punie.generate.algorithms.family import Family
from punie.generate.algorithms.problem import Problem, draw_problem

LEVELS = (1, 3, 5, 7, 10)
"""The difficulties at which the experiment that this set began with asked."""
GROUPS = ("plain", "twist", "held-out type", "dev twist")


def draw_cases(counts: Mapping[str, int], seed: int) -> Iterator[Row]:
    """For each group as many cases of each type and level as it says, as rows of `punie.evaluation.suite.Case`.

    Raises UsageError at a group that does not exist.
    """
    for group, count in counts.items():
        if group not in GROUPS:
            raise UsageError(f"There is no group of problems {group!r}.", hint=f"Known: {', '.join(GROUPS)}.")
        for family in FAMILIES.values():
            numbers = _numbers(family, group)
            for level, place in ((level, place) for level in LEVELS for place in range(count) if numbers):
                rng = Random(f"algorithm cases {seed} {group} {family.type} {level} {place}")
                split = "valid" if group == "dev twist" else "test"
                yield _case(draw_problem(family, rng.choice(numbers), level, split, rng), group, place)


def _numbers(family: Family, group: str) -> list[int]:
    if group == "held-out type":
        return family.twists_of("test") if family.held_out else []
    if family.held_out:
        return []
    if group == "plain":
        return [0]
    return family.twists_of("valid") if group == "dev twist" else family.twists_of("test")[1:]


def _case(problem: Problem, group: str, place: int) -> Row:
    type_, level = problem.family.type, problem.difficulty
    return {
        "id": f"{type_}-{level:02d}-{group.replace(' ', '-')}-{place + 1}",
        "category": type_,
        "tags": {"difficulty": str(level), "problem": group.removeprefix("dev ")},
        "half": "dev" if group == "dev twist" else "test",
        "messages": [{"role": "user", "content": problem.prompt}],
        "expect": {
            "kind": "code",
            "entry_point": problem.name,
            "tests": [{"arguments": list(test.arguments), "returns": test.returns} for test in problem.tests],
            "solution": problem.solution,
        },
        "known_bad": [problem.wrong],
    }
