"""Worked sums: questions whose answer writes every step down, ones before tens, carry included.

A model this small cannot add two-digit numbers at once; it can look up one column at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from punie.generate.holdout import is_held_out
from punie.generate.words import NAMES, THINGS


@dataclass(frozen=True, slots=True)
class Sum:
    """A question in words, the worked steps of each sum in it, and the number they end in."""

    question: str
    steps: tuple[str, ...]
    value: int

    @property
    def answer(self) -> str:
        return f"{', '.join(self.steps)}. Answer: {self.value}"

    @property
    def is_held_out(self) -> bool:
        """Whether any sum in it is: what is asked as a sum is not taught inside a sequence."""
        return any(map(is_held_out, self.steps))


def add_steps(a: int, b: int) -> str:
    """Columns of `a + b` for 0 <= a, b <= 99, e.g. `6+7=13, 3+9+1=13`."""
    ones = a % 10 + b % 10
    tens = a // 10 + b // 10 + ones // 10
    return f"{a % 10}+{b % 10}={ones}, {a // 10}+{b // 10}+{ones // 10}={tens}"


def subtract_steps(a: int, b: int) -> str:
    """Columns of `a - b` for 0 <= b <= a <= 99, borrowing ten where it is needed."""
    borrow = int(a % 10 < b % 10)
    ones = a % 10 + 10 * borrow - b % 10
    tens = a // 10 - b // 10 - borrow
    return f"{a % 10 + 10 * borrow}-{b % 10}={ones}, {a // 10}-{b // 10}-{borrow}={tens}"


def multiply_steps(a: int, b: int) -> str:
    """Columns of `a * b` for a two-digit `a` and a one-digit `b`."""
    ones = a % 10 * b
    product = a // 10 * b
    return f"{a % 10}*{b}={ones}, {a // 10}*{b}={product}, {product}+{ones // 10}={product + ones // 10}"


def _addition(rng: Random) -> Sum:
    a, b = rng.randint(2, 99), rng.randint(2, 99)
    return Sum(f"What is {a} + {b}?", (add_steps(a, b),), a + b)


def _subtraction(rng: Random) -> Sum:
    b, a = sorted((rng.randint(2, 99), rng.randint(2, 99)))
    return Sum(f"What is {a} - {b}?", (subtract_steps(a, b),), a - b)


def _multiplication(rng: Random) -> Sum:
    a, b = rng.randint(10, 99), rng.randint(2, 9)
    return Sum(f"What is {a} * {b}?", (multiply_steps(a, b),), a * b)


def _gain(rng: Random) -> Sum:
    a, b = rng.randint(2, 99), rng.randint(2, 99)
    name, things = rng.choice(NAMES), rng.choice(THINGS)
    question = f"{name} has {a} {things} and gets {b} more. How many {things} does {name} have?"
    return Sum(question, (add_steps(a, b),), a + b)


def _loss(rng: Random) -> Sum:
    b, a = sorted((rng.randint(2, 99), rng.randint(2, 99)))
    name, things = rng.choice(NAMES), rng.choice(THINGS)
    question = f"{name} has {a} {things} and gives away {b}. How many {things} does {name} have left?"
    return Sum(question, (subtract_steps(a, b),), a - b)


def _sequence(rng: Random) -> Sum:
    start, step = rng.randint(1, 40), rng.randint(2, 9)
    terms = [start + step * index for index in range(4)]
    question = f"Which number comes next: {', '.join(map(str, terms))}?"
    return Sum(question, (subtract_steps(terms[3], terms[2]), add_steps(terms[3], step)), terms[3] + step)


_KINDS: tuple[Callable[[Random], Sum], ...] = (_addition, _subtraction, _multiplication, _gain, _loss, _sequence)


def draw_sum(rng: Random, held_out: bool) -> Sum:
    """A random question, from the side of the number split that is asked for."""
    while True:
        drawn = rng.choice(_KINDS)(rng)
        if drawn.is_held_out == held_out:
            return drawn


def draw_line(rng: Random) -> str:
    """A taught sum as it stands in a notebook: `36 + 97: 6+7=13, 3+9+1=13. Answer: 133`."""
    drawn = draw_sum(rng, held_out=False)
    return f"{drawn.question.removeprefix('What is ').removesuffix('?')}: {drawn.answer}"
