"""Small Python functions, each with a description, its source, and tests drawn from its family's rule."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from punie.generate import words
from punie.generate.families import FAMILIES, Family
from punie.generate.holdout import is_held_out

TAUGHT = (
    "Write a Python function {name} that {what}.",
    "Write the function {name}. It {what}.",
    "Define a Python function called {name} that {what}.",
    "I need a function {name} that {what}.",
    "Give me a Python function {name} that {what}.",
    "Code a function {name} that {what}.",
    "Make a function {name} that {what}.",
    "Implement {name}, a function that {what}.",
)
PLAIN = TAUGHT[:2]
"""The phrasings that the base model already answers with a function."""

_COUNTING = frozenset(
    {"first", "skip", "last", "sorted_first", "sorted_last", "repeat", "longer", "every", "repeat_text"}
)
"""Families whose number counts items; it stays within the length of what they are given."""


@dataclass(frozen=True, slots=True)
class Function:
    """One member of a family: it has a name, and the family's constant is `number` or `word`."""

    family: Family
    name: str
    number: int
    word: str

    @property
    def description(self) -> str:
        return self.family.description.format(n=self.number, w=self.word)

    @property
    def source(self) -> str:
        body = self.family.body.format(n=self.number, w=self.word)
        return f"def {self.name}({self.family.parameter}):\n" + "".join(f"    {line}\n" for line in body.splitlines())

    @property
    def constant(self) -> int | str:
        return self.word if self.family.takes_word else self.number

    @property
    def is_held_out(self) -> bool:
        number, word = (None, self.word) if self.family.takes_word else (self.number, None)
        return is_held_out(self.family.key, number, word)

    def request(self, template: str) -> str:
        return template.format(name=self.name, what=self.description)

    def expected(self, argument: Any) -> Any:
        return self.family.rule(argument, self.constant)

    def argument(self, rng: Random) -> Any:
        """A random input of the parameter's kind, often at the edge of what the constant decides."""
        edge = rng.random() < 0.5
        if self.family.parameter == "x":
            return max(0, self.number + rng.randint(-1, 1)) if edge else rng.randint(0, 40)
        if self.family.parameter == "xs":
            near = [self.number + rng.randint(-1, 1)] if edge else []
            return _shuffled(rng, [rng.randint(0, 30) for _ in range(rng.randint(2, 10))] + near)
        text = words.phrase(rng, 1, 2)
        if self.family.takes_word:
            return "".join(_shuffled(rng, [text, self.word] if edge else [text]))
        return (text * self.number)[: self.number + rng.randint(-1, 1)] if edge else text

    def tests(self, rng: Random, count: int) -> list[tuple[Any, Any]]:
        """`count` >= 2 pairs of argument and expected value, so drawn that no constant function passes."""
        while True:
            arguments = [self.argument(rng) for _ in range(count)]
            pairs = [(argument, self.expected(argument)) for argument in arguments]
            if len({repr(value) for _, value in pairs}) > 1:
                return pairs


def draw_function(rng: Random, held_out: bool) -> Function:
    """A random member of a random family, from the side of the content split that is asked for."""
    while True:
        family = rng.choice(FAMILIES)
        number = rng.randint(2, 9 if family.key in _COUNTING else 30)
        function = Function(family, words.identifier(rng), number, words.word(rng))
        if function.is_held_out == held_out:
            return function


def _shuffled(rng: Random, items: list[Any]) -> list[Any]:
    return rng.sample(items, len(items))
