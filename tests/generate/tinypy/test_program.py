"""TinyPy programs: what stands under one is what Python prints, and the levels are what they say."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from punie.data.compare.complexity import measure
from punie.generate.dice import Dice
from punie.generate.tinypy.grammar import LEVELS
from punie.generate.tinypy.program import MARK, Program, draw_program

ALPHABET = set("\n\t !#()*+,-./:<=>0123456789abcdefghijklmnopqrstuvwxyz")


def programs(level: int, count: int, seed: int = 1) -> list[Program]:
    dice = Dice(f"test {seed} {level}")
    return [program for _ in range(count) if (program := draw_program(level, dice)) is not None]


def test_the_output_is_what_a_python_of_its_own_prints(tmp_path: Path) -> None:
    """A fresh interpreter, without our names for print and range, says the same of 60 programs of each level."""
    drawn = [program for level in LEVELS for program in programs(level, 60)]
    script = tmp_path / "all.py"
    script.write_text("\nprint('\\0')\n".join(program.source for program in drawn), encoding="utf-8")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=True)
    assert [part.splitlines() for part in done.stdout.replace("\0\n", "\0").split("\0")] == [
        list(program.output) for program in drawn
    ]


def lines_run(source: str) -> int:
    """The lines of a program that run, as the interpreter reports them."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if frame.f_code.co_filename != "<program>":
            return None
        count += event == "line"
        return trace

    code, before = compile(source, "<program>", "exec"), sys.gettrace()
    sys.settrace(trace)
    try:
        exec(code, {"print": lambda value: None})
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("level", LEVELS)
def test_steps_are_the_lines_that_run(level: int) -> None:
    """The length of the trace is what the interpreter itself counts; every line of TinyPy is one statement."""
    for program in programs(level, 200):
        assert program.steps == lines_run(program.source), program.source


NODES = {
    1: set[type](),
    2: set[type](),
    3: {ast.If, ast.Compare},
    4: {ast.If, ast.Compare, ast.BoolOp},
    5: {ast.For},
    6: {ast.For},
    7: {ast.While, ast.Compare},
}


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_has_its_statements_and_no_others(level: int) -> None:
    """Loops, branches and conditions occur at their levels, each program being in the alphabet of the paper's data."""
    kinds = {type(node) for p in programs(level, 200) for node in ast.walk(ast.parse(p.source))}
    structure = {ast.If, ast.For, ast.While, ast.Compare, ast.BoolOp}
    assert kinds & structure == NODES[level]
    assert {letter for p in programs(level, 200) for letter in p.text} <= ALPHABET


@pytest.mark.parametrize("level", LEVELS)
def test_some_programs_print_nothing_where_they_may(level: int) -> None:
    """About as many as in the paper's data: 16 % of those with branches, 24 % of those with loops, no others."""
    drawn = programs(level, 2000)
    share = sum(not program.output for program in drawn) / len(drawn)
    assert (share > 0) == LEVELS[level].can_print_nothing
    assert share < 0.3
    assert share == 0 or share > 0.12


def test_branches_make_programs_hard_and_loops_do_not() -> None:
    """The paper's metric as on the paper's data: level 2.2 is the hardest by far, a for loop counts 1."""
    found = {level: [measure(program.source) for program in programs(level, 300)] for level in LEVELS}
    means = {level: sum(one.overall for one in all_ if one) / len(all_) for level, all_ in found.items()}
    assert max(means, key=means.__getitem__) == 4
    assert means[5] == 1.0
    assert all(one is not None for all_ in found.values() for one in all_)


@pytest.mark.parametrize(
    ("program", "text"),
    [
        (Program(1, "a = 3\nprint(a)", ("3",), 2), "a = 3\nprint(a)\n# output\n# 3"),
        (Program(5, "x", ("1", "2"), 2), "x\n# output\n# 1\n# 2"),
        (Program(5, "x", (), 2), "x\n# output\n# "),
    ],
)
def test_the_text_is_the_papers_layout(program: Program, text: str) -> None:
    """Source, mark, and a comment for each line of output; one empty comment where there is none."""
    assert program.text == text
    assert program.text.startswith(program.source + MARK)


def test_a_shape_forgets_names_and_nothing_else() -> None:
    """Programs that differ only in their variables have one shape; keywords and numbers count."""
    one = Program(6, "x = 3\nfor y in range(1, 3) :\n\tprint(x + y)", (), 0)
    other = Program(6, "q = 3\nfor b in range(1, 3) :\n\tprint(q + b)", (), 0)
    swapped = Program(6, "q = 3\nfor b in range(1, 3) :\n\tprint(b + q)", (), 0)
    assert one.shape == other.shape == "a = 3\nfor b in range(1, 3) :\n\tprint(a + b)"
    assert swapped.shape != one.shape
