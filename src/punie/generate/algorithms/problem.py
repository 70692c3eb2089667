"""One problem: a family with a twist, at a difficulty, as a question with examples and hidden tests."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec

from punie.data.compare.split import side_of
from punie.generate.algorithms.family import Arguments, Family, filled

SHOWN, HIDDEN = 3, 10
_HELD_OUT_INPUTS = 20
"""Percent of all inputs that only valid may test with, and as many for test."""
_MOST_ALIKE = 0.7
"""Share of the drawn tests that may expect one and the same: a constant must not come far."""
_PATIENCE = 20_000
_FRAMES = {
    "train": (
        "Write a Python function `$signature`.\n\n$statement\n\nExamples:\n```python\n$examples\n```",
        "$statement\n\nImplement it in Python as `$signature`. These hold:\n```python\n$examples\n```",
        "I need `$signature` in Python. $statement\n\nFor instance:\n```python\n$examples\n```\nAnswer with the code.",
        "Task: $statement\n\nSignature: `$signature`\n\n```python\n$examples\n```",
        "Please implement this function.\n\n```python\n$signature:\n    ...\n```\n\n$statement\n\nIt should satisfy\n"
        "```python\n$examples\n```",
        "Here is a small programming problem. $statement Call the function `$name`; its signature is `$signature`.\n\n"
        "```python\n$examples\n```",
    ),
    "valid": (
        "Solve this in Python. $statement\n\nUse the signature `$signature`. Some calls:\n```python\n$examples\n```",
        "Define `$signature`. $statement\n\nCalls and results:\n```python\n$examples\n```",
    ),
    "test": (
        "Complete the programming exercise below with one Python function, `$signature`.\n\n$statement\n\nThe first "
        "tests "
        "are:\n```python\n$examples\n```\nGive the whole function in a Python code block.",
        "$statement\n\nWhat is asked for is the Python function `$signature`. It will be tested, among other things, "
        "with\n```python\n$examples\n```\nGive the whole function in a Python code block.",
    ),
}


@dataclass(frozen=True, slots=True)
class CallTest:
    arguments: Arguments
    returns: Any


@dataclass(frozen=True, slots=True)
class Problem:
    """`tests` begins with the `SHOWN` that the question has; at least `HIDDEN` more follow."""

    family: Family
    number: int
    difficulty: int
    name: str
    prompt: str
    solution: str
    wrong: str
    tests: tuple[CallTest, ...]

    @property
    def key(self) -> str:
        """What is asked, whatever its words and inputs: the type and the number of its twist."""
        return f"{self.family.type}/{self.number}"

    @property
    def size(self) -> int:
        """The largest input by the family's measure."""
        return max(self.family.size(*test.arguments) for test in self.tests[:SHOWN])

    def asserts(self) -> list[str]:
        return [f"assert {_equation(self.name, test)}" for test in self.tests]


def draw_problem(family: Family, number: int, difficulty: int, split: str, rng: Random) -> Problem:
    """The twist of this number, worded and with inputs as only this split has them."""
    twist = family.twists[number]
    name = family.names[0] if number == 0 else rng.choice(family.names)
    constants = {**twist, "name": name}
    tests = draw_tests(family, number, difficulty, split, rng)
    statement = rng.choice(family.taught) if split == "train" else family.asked
    words = {
        "name": name,
        "signature": filled(f"def $name({family.parameters}) -> {family.returns}", constants),
        "statement": filled(statement, constants),
        "examples": "\n".join(_equation(name, test) for test in tests[:SHOWN]),
    }
    return Problem(
        family=family,
        number=number,
        difficulty=difficulty,
        name=name,
        prompt=filled(rng.choice(_FRAMES[split]), words),
        solution=filled(family.solution, constants).rstrip("\n"),
        wrong=filled(family.wrong, constants).rstrip("\n"),
        tests=tests,
    )


def draw_tests(family: Family, number: int, difficulty: int, split: str, rng: Random) -> tuple[CallTest, ...]:
    """Different inputs of this split, whose results differ as well; the family's edges stand after the shown ones."""
    twist = family.twists[number]
    found = dict[bytes, CallTest]()
    edges = [CallTest(arguments, family.rule(twist, *arguments)) for arguments in family.edges]
    taken = {msgspec.json.encode(edge.arguments) for edge in edges}
    results = Counter[str]()
    for _ in range(_PATIENCE):
        arguments = family.draw(rng, difficulty, twist)
        key = msgspec.json.encode(arguments)
        if key in found or key in taken or not _belongs(family, key, split):
            continue
        result = family.rule(twist, *arguments)
        if results[repr(result)] + 1 > _MOST_ALIKE * (SHOWN + HIDDEN):
            continue
        results[repr(result)] += 1
        found[key] = CallTest(arguments, result)
        if len(found) == SHOWN + HIDDEN:
            drawn = tuple(found.values())
            return (*drawn[:SHOWN], *edges, *drawn[SHOWN:])
    raise AssertionError(f"{family.type} has too few inputs at difficulty {difficulty} for {split}")


def _belongs(family: Family, key: bytes, split: str) -> bool:
    """Each split has inputs of its own, where there are enough."""
    if family.narrow or family.held_out:
        return True
    return side_of(family.type.encode() + key, _HELD_OUT_INPUTS, _HELD_OUT_INPUTS, 0) == split


def _equation(name: str, test: CallTest) -> str:
    return f"{name}({', '.join(map(repr, test.arguments))}) == {test.returns!r}"
