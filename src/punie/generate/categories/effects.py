"""The tasks of the three further categories: file I/O, error handling, object-oriented."""

from __future__ import annotations

from random import Random
from typing import Any

from punie.generate.categories.task import Constants, Draw, Task

_WRITTEN = """def run(text):
    with open("given.txt", "w") as file:
        file.write(text)
    return $name("given.txt")
"""
_CAUGHT = """def run(*given):
    try:
        return $name(*given)
    except ValueError as error:
        return "ValueError: " + str(error)
"""
_STEPS = """def run(steps):
    made = $name()
    return [getattr(made, step[0])(*step[1:]) for step in steps]
"""


def _copied(c: Constants, text: str) -> list[str]:
    return [line.upper() for line in text.split("\n") if line][: c["k"]]


FILES = (
    Task(
        "file I/O",
        "count_lines",
        ("text",),
        (
            "returns how many lines of the text file `path` have at least $k characters, the line end not counted",
            "opens the file at `path` and counts its lines of $k characters or more (without the line end)",
        ),
        'with open(path) as file:\n    return sum(len(line.rstrip("\\n")) >= $k for line in file)',
        lambda c, text: len([line for line in text.split("\n") if len(line) >= c["k"]]),
        _WRITTEN,
    ),
    Task(
        "file I/O",
        "find_lines",
        ("text",),
        (
            "returns the numbers, counted from 1, of the lines of the file `path` that hold the letter $c",
            "reads the file `path` and lists the line numbers (the first line is 1) where $c occurs",
        ),
        'with open(path) as file:\n    return [i for i, line in enumerate(file, 1) if "$c" in line]',
        lambda c, text: [i + 1 for i, line in enumerate(text.split("\n")) if line.count(c["c"])],
        _WRITTEN,
    ),
    Task(
        "file I/O",
        "copy_upper",
        ("text",),
        (
            'writes the first $k lines of the file `path` that are not empty to "out.txt", in capital letters, and '
            "returns them as a list "
            "without line ends",
            "takes the lines of the file `path`, leaves out empty ones, writes the first $k in upper case to "
            '"out.txt" and returns a list of '
            "them, without line ends",
        ),
        'with open(path) as file:\n    lines = [line.rstrip("\\n").upper() for line in file if '
        'line.strip("\\n")][:$k]\n'
        'with open("out.txt", "w") as file:\n    file.write("\\n".join(lines))\nreturn lines',
        _copied,
        _WRITTEN.replace("return $name", "$name").rstrip() + '\n    return open("out.txt").read().split("\\n")\n',
        draw=lambda rng: ("x" + drawn_text(rng),),
    ),
    Task(
        "file I/O",
        "sum_words",
        ("text",),
        (
            "returns $k times the number of words in the file `path`",
            "counts the words of the file `path` and multiplies by $k",
        ),
        "with open(path) as file:\n    return $k * len(file.read().split())",
        lambda c, text: sum(c["k"] for _ in text.split()),
        _WRITTEN,
    ),
)
_LIMITED = "between $t and $far"
ERRORS = (
    Task(
        "error handling",
        "to_number",
        ("maybe",),
        (
            "turns the text `$a` into a whole number times $k, and returns $t where it is none",
            "returns $k times the whole number that `$a` spells; if int() refuses the text, it returns $t",
        ),
        "try:\n    return $k * int($a)\nexcept ValueError:\n    return $t",
        lambda c, s: c["k"] * int(s) if s.lstrip("-").isdigit() else c["t"],
    ),
    Task(
        "error handling",
        "item_at",
        ("xs", "n"),
        (
            "returns the item of `$a` at index `$b` plus $k, or $t if there is no such item",
            "adds $k to the number at index `$b` of `$a`; an index that Python refuses gives $t",
        ),
        "try:\n    return $a[$b] + $k\nexcept IndexError:\n    return $t",
        lambda c, xs, i: xs[i] + c["k"] if i in range(-len(xs), len(xs)) else c["t"],
        draw=lambda rng: ([rng.randint(-9, 30) for _ in range(4)], rng.randint(-6, 6)),
    ),
    Task(
        "error handling",
        "require",
        ("n",),
        (
            f'returns `$a` if it is {_LIMITED}, both included, and else raises ValueError("out of range: ") with the '
            "number after the space",
            f"checks that `$a` lies {_LIMITED} (both count) and returns it; otherwise it raises a ValueError whose "
            'text is "out of range: " '
            "and the number",
        ),
        'if not $t <= $a <= $far:\n    raise ValueError(f"out of range: {$a}")\nreturn $a',
        lambda c, n: n if n in range(c["t"], c["t"] + 10 * c["k"] + 1) else f"ValueError: out of range: {n}",
        _CAUGHT,
    ),
    Task(
        "error handling",
        "divide_all",
        ("xs",),
        (
            "divides $k0 by each number of `$a`, rounding down, and puts $t where a number is 0",
            "returns a list with $k0 // x for each x of `$a`; where that raises ZeroDivisionError it has $t",
        ),
        "results = []\nfor x in $a:\n    try:\n        results.append($k0 // x)\n    except ZeroDivisionError:\n"
        "        results.append($t)\nreturn results",
        lambda c, xs: [10 * c["k"] // x if x else c["t"] for x in xs],
        draw=lambda rng: ([rng.randint(-3, 6) for _ in range(rng.randint(3, 7))],),
    ),
)


def drawn_text(rng: Random) -> str:
    words = ("red", "no", "a", "lantern", "stone", "oil", "island", "tea", "on")
    lines = [" ".join(rng.choice(words) for _ in range(rng.randint(0, 4))) for _ in range(rng.randint(2, 9))]
    return "\n".join(lines)


def _steps(*methods: str) -> Draw:
    """Calls of methods in any order; those written with a plus get a number."""

    def draw(rng: Random) -> tuple[list[list[Any]]]:
        called = [rng.choice(methods) for _ in range(rng.randint(5, 9))]
        return ([[name[:-1], rng.randint(-9, 30)] if name.endswith("+") else [name] for name in called],)

    return draw


def _counter(c: Constants, steps: list[list[Any]]) -> list[int]:
    ups = [[step[0] for step in steps[: i + 1]].count("up") for i in range(len(steps))]
    downs = [[step[0] for step in steps[: i + 1]].count("down") for i in range(len(steps))]
    return [c["t"] + c["k"] * up - down for up, down in zip(ups, downs, strict=True)]


def _bag(c: Constants, steps: list[list[Any]]) -> list[int]:
    result = []
    for i, step in enumerate(steps):
        added = [value for name, *values in steps[: i + 1] if name == "add" for value in values][-c["k"] :]
        result.append(len(added) if step[0] == "add" else sum(added) + c["t"])
    return result


def _account(c: Constants, steps: list[list[Any]]) -> list[Any]:
    balance, result = 10 * c["k"], []
    for name, amount in steps:
        change = amount if name == "pay_in" else -amount
        fits = amount > 0 and balance + change >= c["t"]
        balance += change * fits
        result.append(balance if fits else False)
    return result


OBJECTS = (
    Task(
        "object-oriented",
        "counter",
        (),
        (
            "has a value that begins at $t; its method up() adds $k, its method down() takes 1 away, and both return "
            "the new value",
            "counts: it starts with $t, up() increases by $k, down() decreases by 1, and each of these methods "
            "returns the value after it",
        ),
        "def __init__(self):\n    self.value = $t\n\ndef up(self):\n    self.value += $k\n    return self.value\n\n"
        "def down(self):\n    self.value -= 1\n    return self.value",
        _counter,
        _STEPS,
        _steps("up", "down"),
    ),
    Task(
        "object-oriented",
        "window",
        (),
        (
            "remembers the last $k numbers: add(number) keeps one, drops the oldest beyond $k and returns how many "
            "are kept; total() returns "
            "their sum plus $t",
            "has two methods: add(number), which stores a number (only the newest $k stay) and returns how many are "
            "stored, and total(), "
            "which returns the sum of the stored ones plus $t",
        ),
        "def __init__(self):\n    self.numbers = []\n\ndef add(self, number):\n    self.numbers = (self.numbers + "
        "[number])[-$k:]\n"
        "    return len(self.numbers)\n\ndef total(self):\n    return sum(self.numbers) + $t",
        _bag,
        _STEPS,
        _steps("add+", "total"),
    ),
    Task(
        "object-oriented",
        "account",
        (),
        (
            "begins with $k0. pay_in(amount) adds and take(amount) subtracts; both return the new balance, or False "
            "without any change if "
            "the amount is not positive or the balance would be below $t",
            "keeps a balance, at first $k0. Its methods pay_in(amount) and take(amount) change and return it. They "
            "refuse, returning False, "
            "an amount that is not above 0, and a change that would leave less than $t",
        ),
        "def __init__(self):\n    self.balance = $k0\n\ndef pay_in(self, amount):\n    return self._change(amount, "
        "amount)\n\n"
        "def take(self, amount):\n    return self._change(amount, -amount)\n\ndef _change(self, amount, change):\n"
        "    if amount <= 0 or self.balance + change < $t:\n        return False\n    self.balance += change\n"
        "    return self.balance",
        _account,
        _STEPS,
        _steps("pay_in+", "take+", "take+"),
    ),
)
THREE = (*FILES, *ERRORS, *OBJECTS)
