"""Small programs: the output beside a program is the one it has."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from random import Random

from punie.generate.programs import draw_program


def printed_by(source: str) -> str:
    out = io.StringIO()
    with redirect_stdout(out):
        exec(source, {})
    return out.getvalue()


def test_the_output_is_what_python_prints() -> None:
    """The comment under a program holds what it prints, line by line, whichever kind it is."""
    rng = Random(1)
    programs = [draw_program(rng) for _ in range(300)]
    for program in programs:
        source, output = program.split("\n# output\n")
        assert printed_by(source) == "".join(f"{line.removeprefix('# ')}\n" for line in output.splitlines())
    assert {"for " in program for program in programs} == {"else:" in program for program in programs} == {True, False}
