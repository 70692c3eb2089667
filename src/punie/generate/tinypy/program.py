"""One TinyPy program, run: what it prints, and in how many steps."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from types import FrameType

from punie.generate.dice import Dice
from punie.generate.tinypy.grammar import draw_source

_NAME = re.compile(r"\b[a-z]\b")
_TEST = re.compile(r"(?:if|elif) ")
_LOOP = re.compile(r"(?:for|while) ")
MARK = "\n# output\n"
"""Between a program and what it prints."""


@dataclass(frozen=True, slots=True)
class Program:
    """`steps` are the statements that run, a condition and each look at a loop's head among them."""

    level: int
    source: str
    output: tuple[str, ...]
    steps: int

    @property
    def text(self) -> str:
        """The source, `# output`, and each printed line after `# `; one empty such line where nothing is printed."""
        return self.source + MARK + "\n".join(f"# {line}" for line in self.output or ("",))

    @property
    def shape(self) -> str:
        """The source with its variables called a, b, c in the order they appear: equal for programs that differ only
        in names."""
        names = dict[str, str]()
        return _NAME.sub(lambda found: names.setdefault(found[0], chr(ord("a") + len(names))), self.source)


def draw_program(level: int, dice: Dice) -> Program | None:
    """A program of this level (1 to 7) and what running it gave; None where it divides by zero."""
    source = draw_source(level, dice)
    printed = list[tuple[int, str]]()

    def keep(value: object) -> None:
        caller: FrameType = sys._getframe(1)
        printed.append((caller.f_lineno, str(value)))

    try:
        exec(source, {"__builtins__": {}, "print": keep, "range": range})
    except ZeroDivisionError:
        return None
    return Program(level, source, tuple(text for _, text in printed), _steps(source, [line for line, _ in printed]))


def _steps(source: str, printed_at: list[int]) -> int:
    """Of a program with at most one branch or loop, from the lines (from 1) that printed."""
    lines = source.split("\n")
    indented = sum(line.startswith("\t") for line in lines)
    heads = [number for number, line in enumerate(lines, start=1) if _TEST.match(line)]
    if heads:
        tested = sum(number < (printed_at or [len(lines) + 1])[0] for number in heads)
        plain = heads[0] - 1
        return plain + tested + len(printed_at)
    if any(map(_LOOP.match, lines)):
        plain = len(lines) - indented - 1
        return plain + len(printed_at) * (1 + indented) + 1
    return len(lines)
