"""A family of problems: one type of algorithm, its twists, and the rule that says what is right.

A twist is a set of constants that change what the function does: other divisors, other costs, another answer where
nothing is found. The first twist of a family is the plain problem as the textbook has it. It is asked and never taught.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from string import Template
from typing import Any

Twist = Mapping[str, Any]
"""Constants by name. In texts and sources they stand as `$name`."""
Arguments = tuple[Any, ...]

_SIDES = ("valid", "test", "train", "train", "train", "train")


@dataclass(frozen=True, slots=True)
class Family:
    """One type of problem.

    `rule(twist, *arguments)` says what is right by another method than `solution`, so running the solution checks both.
    """

    type: str
    parameters: str
    returns: str
    names: tuple[str, ...]
    """What the function may be called; the plain problem takes the first."""
    taught: tuple[str, ...]
    asked: str
    """The statement that valid and test have, and train never."""
    solution: str
    wrong: str
    """A solution that looks right and fails some test of every problem."""
    twists: tuple[Twist, ...]
    draw: Callable[[Random, int, Twist], Arguments]
    """Arguments at a difficulty from 1 to 10."""
    rule: Callable[..., Any]
    measure: str
    """What grows with difficulty, in words."""
    size: Callable[..., int]
    """(*arguments) -> the same as a number."""
    edges: tuple[Arguments, ...] = ()
    """Arguments that every problem is tested with."""
    held_out: bool = False
    """Whether no twist of it may be taught."""
    narrow: bool = False
    """Whether there are too few inputs to give each split its own."""

    def side(self, number: int) -> str:
        """The split that a twist belongs to, whatever seed draws it."""
        return "test" if self.held_out or number == 0 else _SIDES[number % len(_SIDES)]

    def twists_of(self, split: str) -> list[int]:
        """The numbers of its twists in a split; those of test begin with the plain one."""
        return [number for number in range(len(self.twists)) if self.side(number) == split]


def filled(template: str, constants: Twist) -> str:
    """A text or source with its constants. Raises KeyError where one is missing."""
    return Template(template).substitute(constants)


def letters(rng: Random, count: int, alphabet: str) -> str:
    return "".join(rng.choice(alphabet) for _ in range(count))
