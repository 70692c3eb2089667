"""Families of small Python functions: a description, a body, and the rule that says what is right.

The body is what a model learns to write; the rule says the same in another way. Expected values come from the rule, so
running a reference body against them checks the body as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Rule = Callable[[Any, Any], Any]
"""(argument, constant) -> what the function returns."""


@dataclass(frozen=True, slots=True)
class Family:
    """A function of `x` (a number), `xs` (numbers) or `s` (text) with one constant: `{n}` (number) or `{w}` (word)."""

    key: str
    parameter: str
    description: str
    body: str
    rule: Rule

    @property
    def takes_word(self) -> bool:
        return "{w}" in self.body


def _running(xs: list[int], n: int) -> list[int]:
    return [sum(xs[: index + 1]) + n for index in range(len(xs))]


_NUMBER = (
    ("add", "adds {n} to x", "return x + {n}", lambda x, n: x + n),
    ("subtract", "subtracts {n} from x", "return x - {n}", lambda x, n: x - n),
    ("multiply", "multiplies x by {n}", "return x * {n}", lambda x, n: x * n),
    ("square", "squares x and adds {n}", "return x * x + {n}", lambda x, n: x**2 + n),
    ("double", "doubles x and adds {n}", "return 2 * x + {n}", lambda x, n: x + x + n),
    ("remainder", "gives the remainder of x divided by {n}", "return x % {n}", lambda x, n: x - n * (x // n)),
    ("quotient", "divides x by {n} without a remainder", "return x // {n}", lambda x, n: int(x / n)),
    ("greater", "tells if x is greater than {n}", "return x > {n}", lambda x, n: not x <= n),
    ("smaller", "tells if x is smaller than {n}", "return x < {n}", lambda x, n: not x >= n),
    ("divides", "tells if x can be divided by {n}", "return x % {n} == 0", lambda x, n: x in range(0, x + 1, n)),
    ("distance", "gives the distance between x and {n}", "return abs(x - {n})", lambda x, n: max(x, n) - min(x, n)),
    ("at_most", "limits x to at most {n}", "return min(x, {n})", lambda x, n: n if x > n else x),
    ("at_least", "limits x to at least {n}", "return max(x, {n})", lambda x, n: n if x < n else x),
    ("equals", "tells if x equals {n}", "return x == {n}", lambda x, n: not (x < n or x > n)),
    ("digits", "joins the digits of x and {n}", "return str(x) + str({n})", lambda x, n: f"{x}{n}"),
    (
        "sum_to",
        "sums the numbers up to x and adds {n}",
        "total = {n}\nfor i in range(x + 1):\n    total += i\nreturn total",
        lambda x, n: n + x * (x + 1) // 2,
    ),
    (
        "halve",
        "halves x if it is even and else adds {n}",
        "if x % 2 == 0:\n    return x // 2\nreturn x + {n}",
        lambda x, n: x + n if x & 1 else x >> 1,
    ),
)
_LIST = (
    ("total", "sums xs and adds {n}", "return sum(xs) + {n}", lambda xs, n: sum([n, *xs])),
    ("count", "counts how often {n} is in xs", "return xs.count({n})", lambda xs, n: len([x for x in xs if x == n])),
    (
        "keep_greater",
        "keeps the items of xs greater than {n}",
        "return [x for x in xs if x > {n}]",
        lambda xs, n: list(filter(lambda x: x > n, xs)),
    ),
    (
        "keep_smaller",
        "keeps the items of xs smaller than {n}",
        "return [x for x in xs if x < {n}]",
        lambda xs, n: list(filter(lambda x: x < n, xs)),
    ),
    (
        "first",
        "gives the first {n} items of xs",
        "return xs[:{n}]",
        lambda xs, n: [x for i, x in enumerate(xs) if i < n],
    ),
    (
        "skip",
        "skips the first {n} items of xs",
        "return xs[{n}:]",
        lambda xs, n: [x for i, x in enumerate(xs) if i >= n],
    ),
    (
        "last",
        "gives the last {n} items of xs",
        "return xs[-{n}:]",
        lambda xs, n: list(reversed(list(reversed(xs))[:n])),
    ),
    (
        "add_each",
        "adds {n} to each item of xs",
        "return [x + {n} for x in xs]",
        lambda xs, n: list(map(lambda x: x + n, xs)),
    ),
    (
        "multiply_each",
        "multiplies each item of xs by {n}",
        "return [x * {n} for x in xs]",
        lambda xs, n: list(map(lambda x: x * n, xs)),
    ),
    ("contains", "tells if {n} is in xs", "return {n} in xs", lambda xs, n: any(x == n for x in xs)),
    ("append", "adds {n} at the end of xs", "return xs + [{n}]", lambda xs, n: [*xs, n]),
    ("prepend", "puts {n} before xs", "return [{n}] + xs", lambda xs, n: [n, *xs]),
    (
        "remove",
        "removes every {n} from xs",
        "return [x for x in xs if x != {n}]",
        lambda xs, n: list(filter(lambda x: x != n, xs)),
    ),
    ("largest", "gives the largest item of xs plus {n}", "return max(xs) + {n}", lambda xs, n: sorted(xs)[-1] + n),
    ("smallest", "gives the smallest item of xs plus {n}", "return min(xs) + {n}", lambda xs, n: sorted(xs)[0] + n),
    (
        "sorted_first",
        "gives the {n} smallest items of xs",
        "return sorted(xs)[:{n}]",
        lambda xs, n: [x for i, x in enumerate(sorted(xs)) if i < n],
    ),
    (
        "sorted_last",
        "gives the {n} largest items of xs",
        "return sorted(xs)[-{n}:]",
        lambda xs, n: sorted(sorted(xs, reverse=True)[:n]),
    ),
    ("repeat", "repeats xs {n} times", "return xs * {n}", lambda xs, n: [x for _ in range(n) for x in xs]),
    ("longer", "tells if xs has more than {n} items", "return len(xs) > {n}", lambda xs, n: sum(1 for _ in xs) > n),
    (
        "every",
        "gives every {n}th item of xs",
        "return xs[::{n}]",
        lambda xs, n: [x for i, x in enumerate(xs) if i % n == 0],
    ),
    (
        "sum_greater",
        "sums the items of xs greater than {n}",
        "return sum(x for x in xs if x > {n})",
        lambda xs, n: sum(filter(lambda x: x > n, xs)),
    ),
    (
        "running",
        "gives the running sums of xs starting from {n}",
        "out = []\ntotal = {n}\nfor x in xs:\n    total += x\n    out.append(total)\nreturn out",
        _running,
    ),
)
_TEXT = (
    ("repeat_text", "repeats s {n} times", "return s * {n}", lambda s, n: "".join(s for _ in range(n))),
    (
        "first_text",
        "gives the first {n} letters of s",
        "return s[:{n}]",
        lambda s, n: "".join(c for i, c in enumerate(s) if i < n),
    ),
    ("last_text", "gives the last {n} letters of s", "return s[-{n}:]", lambda s, n: s[max(0, len(s) - n) :]),
    (
        "skip_text",
        "skips the first {n} letters of s",
        "return s[{n}:]",
        lambda s, n: "".join(c for i, c in enumerate(s) if i >= n),
    ),
    ("prefix", 'puts "{w}" before s', 'return "{w}" + s', lambda s, w: f"{w}{s}"),
    ("suffix", 'puts "{w}" after s', 'return s + "{w}"', lambda s, w: f"{s}{w}"),
    ("starts", 'tells if s starts with "{w}"', 'return s.startswith("{w}")', lambda s, w: s[: len(w)] == w),
    (
        "ends",
        'tells if s ends with "{w}"',
        'return s.endswith("{w}")',
        lambda s, w: len(s) >= len(w) and s[len(s) - len(w) :] == w,
    ),
    ("within", 'tells if "{w}" is in s', 'return "{w}" in s', lambda s, w: s.find(w) >= 0),
    ("strip_word", 'removes every "{w}" from s', 'return s.replace("{w}", "")', lambda s, w: "".join(s.split(w))),
    ("length", "gives the length of s plus {n}", "return len(s) + {n}", lambda s, n: sum(1 for _ in s) + n),
    ("long_text", "tells if s has more than {n} letters", "return len(s) > {n}", lambda s, n: sum(1 for _ in s) > n),
    ("reverse_text", 'reverses s and adds "{w}"', 'return s[::-1] + "{w}"', lambda s, w: "".join(reversed(s)) + w),
    (
        "upper_text",
        'makes s upper case and adds "{w}"',
        'return s.upper() + "{w}"',
        lambda s, w: "".join(c.upper() for c in s) + w,
    ),
)

FAMILIES = tuple(
    Family(key, parameter, description, body, rule)
    for parameter, rows in (("x", _NUMBER), ("xs", _LIST), ("s", _TEXT))
    for key, description, body, rule in rows
)
