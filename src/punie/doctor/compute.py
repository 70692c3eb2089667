"""What MLX computes with. A child is asked, since MLX may hang or abort where the machine is at fault."""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from punie.process import Child

WORKER = "punie.doctor.compute_worker"
_WITHIN_SECONDS = 20.0
_GRACE_SECONDS = 1.0


class Compute(msgspec.Struct, frozen=True):
    """`working_set`: bytes the GPU holds without getting slower. `gigaflops`: of float32 matrix products, measured."""

    metal: bool
    chip: str
    working_set: int | None
    gigaflops: float
    blas: str | None
    """The OpenBLAS in the child, on Linux."""


class Silence(msgspec.Struct, frozen=True):
    """How the child ended without an answer, and the last thing it said."""

    why: str
    last_line: str


def ask_compute(within: float = _WITHIN_SECONDS) -> Compute | Silence:
    """The child's answer, or why there is none after `within` seconds."""
    with TemporaryDirectory(prefix="punie-doctor-") as scratch:
        answer = Path(scratch, "answer.json")
        with Child(WORKER, str(answer), log=Path(scratch, "log")) as child:
            why = _end(child, within)
            # MLX may abort while its process ends: what counts is the answer, not the exit code.
            if not answer.is_file():
                return Silence(why, child.last_lines(1))
        return msgspec.json.decode(answer.read_bytes(), type=Compute)


def _end(child: Child, within: float) -> str:
    try:
        return f"it ended with code {child.wait(within)}"
    except subprocess.TimeoutExpired:
        child.stop(_GRACE_SECONDS)
        return f"it had no answer after {within:g} seconds"
