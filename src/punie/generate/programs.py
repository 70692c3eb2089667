"""Very small programs with their output: assignments, a condition or a loop, one print.

After the TinyPy programs of Yamani et al. (arXiv 2407.10194), levels 1 to 3, written anew, seeded, with short outputs.
"""

from __future__ import annotations

from random import Random


def draw_program(rng: Random) -> str:
    """A program and, as a comment, what it prints."""
    source = rng.choice((_straight, _branching, _looping))(rng)
    lines = "\n".join(f"# {line}" for line in _output(source))
    return f"{source}\n# output\n{lines}"


def _straight(rng: Random) -> str:
    a, b = rng.sample("abcdefghkmnpqrstuvwxyz", 2)
    return f"{a} = {rng.randint(0, 20)}\n{b} = {rng.randint(0, 20)}\nprint({a} {rng.choice('+-*')} {b})"


def _branching(rng: Random) -> str:
    a, b = rng.sample("abcdefghkmnpqrstuvwxyz", 2)
    test = f"{a} {rng.choice(('<', '>', '<=', '>='))} {b}"
    return f"{a} = {rng.randint(0, 20)}\n{b} = {rng.randint(0, 20)}\nif {test}:\n    print({a})\nelse:\n    print({b})"


def _looping(rng: Random) -> str:
    a, i = rng.sample("abcdefghkmnpqrstuvwxyz", 2)
    return f"{a} = {rng.randint(0, 9)}\nfor {i} in range({rng.randint(1, 4)}):\n    print({a} {rng.choice('+-')} {i})"


def _output(source: str) -> list[str]:
    printed: list[str] = []
    exec(source, {"print": lambda value: printed.append(str(value)), "range": range})
    return printed
