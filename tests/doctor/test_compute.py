"""MLX is asked in a child: what it answers, and what is said of a child that dies or hangs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from punie.doctor.compute import Compute, Silence, ask_compute
from punie.process import find_openblas


def break_mlx(monkeypatch: pytest.MonkeyPatch, folder: Path, code: str) -> None:
    """Children find this package before the real one."""
    package = folder / "mlx"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "core.py").write_text(code)
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), *inherited])))


def test_the_child_computes_and_says_with_what() -> None:
    """A matrix product was really made, with the library that process.py gives to children."""
    found = ask_compute(within=60)
    assert isinstance(found, Compute)
    assert found.gigaflops > 0
    assert found.blas is None or found.chip
    openblas = find_openblas()
    assert (found.blas is None) == (openblas is None)


@pytest.mark.parametrize(
    ("code", "within", "why", "last_line"),
    [
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", 60, "ended with code -9", ""),
        ("raise ImportError('no such symbol')", 60, "ended with code 1", "ImportError: no such symbol"),
        ("import threading\nthreading.Event().wait()", 0.5, "no answer after 0.5 seconds", ""),
    ],
    ids=["killed", "import error", "hangs"],
)
def test_a_child_without_an_answer_is_told_of(
    code: str, within: float, why: str, last_line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """However MLX breaks, its end comes in time and is described."""
    break_mlx(monkeypatch, tmp_path, code)
    found = ask_compute(within)
    assert isinstance(found, Silence)
    assert why in found.why
    assert found.last_line == last_line
