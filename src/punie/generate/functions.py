"""Families of small Python functions: a description, a body, and the rule that says what is right.

The body is what a model learns to write; the rule is a separate lambda. Expected values come from the rule, so running a
reference body against them checks the body as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from punie.generate import words
from punie.generate.holdout import is_held_out

Rule = Callable[..., Any]

INDENT = "    "


@dataclass(frozen=True, slots=True)
class Family:
    """A function of parameter `x` (number), `xs` (list of numbers) or `s` (text), with constants `n` and `w`."""

    key: str
    parameter: str
    description: str
    body: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class Function:
    """One member of a family: the constants are fixed and it has a name."""

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
        lines = "".join(f"{INDENT}{line}\n" for line in body.splitlines())
        return f"def {self.name}({self.family.parameter}):\n{lines}"

    def expected(self, argument: Any) -> Any:
        return self.family.rule(argument, self.number, self.word)

    def argument(self, rng: Random) -> Any:
        """A random input of the parameter's kind, often at the edge of what the constants decide."""
        edge = rng.random() < 0.5
        if self.family.parameter == "x":
            return max(0, self.number + rng.randint(-1, 1)) if edge else rng.randint(0, 40)
        if self.family.parameter == "xs":
            near = [self.number + rng.randint(-1, 1)] if edge else []
            items = [rng.randint(0, 30) for _ in range(rng.randint(2, 10))] + near
            return rng.sample(items, len(items))
        text = words.phrase(rng, 1, 2)
        if "{w}" in self.family.body:
            parts = [text, self.word] if edge else [text]
            return "".join(rng.sample(parts, len(parts)))
        return (text * self.number)[: self.number + rng.randint(-1, 1)] if edge else text

    def tests(self, rng: Random, count: int) -> list[tuple[Any, Any]]:
        """`count` pairs of argument and expected value, so drawn that no constant function passes."""
        while True:
            arguments = [self.argument(rng) for _ in range(count)]
            pairs = [(argument, self.expected(argument)) for argument in arguments]
            if len({repr(value) for _, value in pairs}) > 1:
                return pairs


def _running(xs: list[int], n: int, w: str) -> list[int]:
    return [sum(xs[: index + 1]) + n for index in range(len(xs))]


_NUMBER = (
    ("add", "adds {n} to x", "return x + {n}", lambda x, n, w: x + n),
    ("subtract", "subtracts {n} from x", "return x - {n}", lambda x, n, w: x - n),
    ("multiply", "multiplies x by {n}", "return x * {n}", lambda x, n, w: x * n),
    ("square", "squares x and adds {n}", "return x * x + {n}", lambda x, n, w: x**2 + n),
    ("double", "doubles x and adds {n}", "return 2 * x + {n}", lambda x, n, w: x + x + n),
    ("remainder", "gives the remainder of x divided by {n}", "return x % {n}", lambda x, n, w: x - n * (x // n)),
    ("quotient", "divides x by {n} without a remainder", "return x // {n}", lambda x, n, w: int(x / n)),
    ("greater", "tells if x is greater than {n}", "return x > {n}", lambda x, n, w: not x <= n),
    ("smaller", "tells if x is smaller than {n}", "return x < {n}", lambda x, n, w: not x >= n),
    ("divides", "tells if x can be divided by {n}", "return x % {n} == 0", lambda x, n, w: x in range(0, x + 1, n)),
    ("distance", "gives the distance between x and {n}", "return abs(x - {n})", lambda x, n, w: max(x, n) - min(x, n)),
    ("at_most", "limits x to at most {n}", "return min(x, {n})", lambda x, n, w: n if x > n else x),
    ("at_least", "limits x to at least {n}", "return max(x, {n})", lambda x, n, w: n if x < n else x),
    ("equals", "tells if x equals {n}", "return x == {n}", lambda x, n, w: not (x < n or x > n)),
    ("digits", "joins the digits of x and {n}", "return str(x) + str({n})", lambda x, n, w: f"{x}{n}"),
    (
        "sum_to",
        "sums the numbers up to x and adds {n}",
        "total = {n}\nfor i in range(x + 1):\n    total += i\nreturn total",
        lambda x, n, w: n + x * (x + 1) // 2,
    ),
    (
        "halve",
        "halves x if it is even and else adds {n}",
        "if x % 2 == 0:\n    return x // 2\nreturn x + {n}",
        lambda x, n, w: x + n if x & 1 else x >> 1,
    ),
)
_LIST = (
    ("total", "sums xs and adds {n}", "return sum(xs) + {n}", lambda xs, n, w: sum([n, *xs])),
    ("count", "counts how often {n} is in xs", "return xs.count({n})", lambda xs, n, w: len([x for x in xs if x == n])),
    ("keep_greater", "keeps the items of xs greater than {n}", "return [x for x in xs if x > {n}]", lambda xs, n, w: list(filter(lambda x: x > n, xs))),
    ("keep_smaller", "keeps the items of xs smaller than {n}", "return [x for x in xs if x < {n}]", lambda xs, n, w: list(filter(lambda x: x < n, xs))),
    ("first", "gives the first {n} items of xs", "return xs[:{n}]", lambda xs, n, w: [x for i, x in enumerate(xs) if i < n]),
    ("skip", "skips the first {n} items of xs", "return xs[{n}:]", lambda xs, n, w: [x for i, x in enumerate(xs) if i >= n]),
    ("last", "gives the last {n} items of xs", "return xs[-{n}:]", lambda xs, n, w: list(reversed(list(reversed(xs))[:n]))),
    ("add_each", "adds {n} to each item of xs", "return [x + {n} for x in xs]", lambda xs, n, w: list(map(lambda x: x + n, xs))),
    ("multiply_each", "multiplies each item of xs by {n}", "return [x * {n} for x in xs]", lambda xs, n, w: list(map(lambda x: x * n, xs))),
    ("contains", "tells if {n} is in xs", "return {n} in xs", lambda xs, n, w: any(x == n for x in xs)),
    ("append", "adds {n} at the end of xs", "return xs + [{n}]", lambda xs, n, w: [*xs, n]),
    ("prepend", "puts {n} before xs", "return [{n}] + xs", lambda xs, n, w: [n, *xs]),
    ("remove", "removes every {n} from xs", "return [x for x in xs if x != {n}]", lambda xs, n, w: list(filter(lambda x: x != n, xs))),
    ("largest", "gives the largest item of xs plus {n}", "return max(xs) + {n}", lambda xs, n, w: sorted(xs)[-1] + n),
    ("smallest", "gives the smallest item of xs plus {n}", "return min(xs) + {n}", lambda xs, n, w: sorted(xs)[0] + n),
    ("sorted_first", "gives the {n} smallest items of xs", "return sorted(xs)[:{n}]", lambda xs, n, w: [x for i, x in enumerate(sorted(xs)) if i < n]),
    ("sorted_last", "gives the {n} largest items of xs", "return sorted(xs)[-{n}:]", lambda xs, n, w: sorted(sorted(xs, reverse=True)[:n])),
    ("repeat", "repeats xs {n} times", "return xs * {n}", lambda xs, n, w: [x for _ in range(n) for x in xs]),
    ("longer", "tells if xs has more than {n} items", "return len(xs) > {n}", lambda xs, n, w: sum(1 for _ in xs) > n),
    ("every", "gives every {n}th item of xs", "return xs[::{n}]", lambda xs, n, w: [x for i, x in enumerate(xs) if i % n == 0]),
    ("sum_greater", "sums the items of xs greater than {n}", "return sum(x for x in xs if x > {n})", lambda xs, n, w: sum(filter(lambda x: x > n, xs))),
    (
        "running",
        "gives the running sums of xs starting from {n}",
        "out = []\ntotal = {n}\nfor x in xs:\n    total += x\n    out.append(total)\nreturn out",
        _running,
    ),
)
_TEXT = (
    ("repeat_text", "repeats s {n} times", "return s * {n}", lambda s, n, w: "".join(s for _ in range(n))),
    ("first_text", "gives the first {n} letters of s", "return s[:{n}]", lambda s, n, w: "".join(c for i, c in enumerate(s) if i < n)),
    ("last_text", "gives the last {n} letters of s", "return s[-{n}:]", lambda s, n, w: s[max(0, len(s) - n) :]),
    ("skip_text", "skips the first {n} letters of s", "return s[{n}:]", lambda s, n, w: "".join(c for i, c in enumerate(s) if i >= n)),
    ("prefix", 'puts "{w}" before s', 'return "{w}" + s', lambda s, n, w: f"{w}{s}"),
    ("suffix", 'puts "{w}" after s', 'return s + "{w}"', lambda s, n, w: f"{s}{w}"),
    ("starts", 'tells if s starts with "{w}"', 'return s.startswith("{w}")', lambda s, n, w: s[: len(w)] == w),
    ("ends", 'tells if s ends with "{w}"', 'return s.endswith("{w}")', lambda s, n, w: len(s) >= len(w) and s[len(s) - len(w) :] == w),
    ("within", 'tells if "{w}" is in s', 'return "{w}" in s', lambda s, n, w: s.find(w) >= 0),
    ("strip_word", 'removes every "{w}" from s', 'return s.replace("{w}", "")', lambda s, n, w: "".join(s.split(w))),
    ("length", "gives the length of s plus {n}", "return len(s) + {n}", lambda s, n, w: sum(1 for _ in s) + n),
    ("long_text", "tells if s has more than {n} letters", "return len(s) > {n}", lambda s, n, w: sum(1 for _ in s) > n),
    ("reverse_text", 'reverses s and adds "{w}"', 'return s[::-1] + "{w}"', lambda s, n, w: "".join(reversed(s)) + w),
    ("upper_text", 'makes s upper case and adds "{w}"', 'return s.upper() + "{w}"', lambda s, n, w: "".join(c.upper() for c in s) + w),
)

FAMILIES = tuple(
    Family(key, parameter, description, body, rule)
    for parameter, rows in (("x", _NUMBER), ("xs", _LIST), ("s", _TEXT))
    for key, description, body, rule in rows
)
_SMALL = frozenset({"first", "skip", "last", "sorted_first", "sorted_last", "repeat", "longer", "every", "repeat_text"})

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
PLAIN = 2


def draw_function(rng: Random, held_out: bool) -> Function:
    """A random member of a random family, from the side of the content split that is asked for."""
    while True:
        family = rng.choice(FAMILIES)
        number = rng.randint(2, 9) if family.key in _SMALL else rng.randint(2, 30)
        function = Function(family, words.identifier(rng), number, words.word(rng))
        constants = (number if "{n}" in family.body else None, function.word if "{w}" in family.body else None)
        if is_held_out(family.key, *constants) == held_out:
            return function
