"""Problems as cases of a suite: plain ones, twists that are never taught, types that are held out, and a dev half."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product
from random import Random

from punie.conversation import Row
from punie.errors import UsageError
from punie.generate.algorithms.catalogue import find_families
from punie.generate.algorithms.family import Family
from punie.generate.algorithms.problem import Problem, draw_problem

LEVELS = (1, 3, 5, 7, 10)
"""The difficulties at which the experiment that this set began with asked."""
GROUPS = ("plain", "twist", "held-out type", "dev twist")


def draw_cases(counts: Mapping[str, int], seed: int) -> Iterator[Row]:
    """For each group as many cases of each type and level as it says, as rows of `punie.evaluation.suite.Case`.

    `basic GROUP` and `hard GROUP` have these types alone. Raises UsageError at a group that does not exist.
    """
    for group, family, level, place in _places(counts):
        rng = Random(f"algorithm cases {seed} {group} {family.type} {level} {place}")
        number = rng.choice(_numbers(family, group))
        split = "valid" if group == "dev twist" else "test"
        yield _case(draw_problem(family, number, level, split, rng), group, place)


def count_cases(counts: Mapping[str, int]) -> Counter[str]:
    """How many cases of each half `draw_cases` gives, without drawing them."""
    return Counter(_half(group) for group, *_ in _places(counts))


def _places(counts: Mapping[str, int]) -> Iterator[tuple[str, Family, int, int]]:
    """Group, family, level and number of each case."""
    for named, count in counts.items():
        group, families = _group(named)
        asked = [family for family in families if _numbers(family, group)]
        yield from ((group, *place) for place in product(asked, LEVELS, range(count)))


def _half(group: str) -> str:
    return "dev" if group == "dev twist" else "test"


def _group(named: str) -> tuple[str, list[Family]]:
    some = next((word for word in ("basic", "hard") if named.startswith(f"{word} ")), "all")
    group = named.removeprefix(f"{some} ")
    if group not in GROUPS:
        known = f"Known: {', '.join(GROUPS)}; each after basic or hard."
        raise UsageError(f"There is no group of problems {named!r}.", hint=known)
    return group, find_families([some])


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
        "half": _half(group),
        "messages": [{"role": "user", "content": problem.prompt}],
        "expect": {
            "kind": "code",
            "entry_point": problem.name,
            "tests": [{"arguments": list(test.arguments), "returns": test.returns} for test in problem.tests],
            "solution": problem.solution,
        },
        "known_bad": [problem.wrong],
    }
