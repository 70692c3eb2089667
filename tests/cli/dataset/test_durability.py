"""A command that ends before its time leaves what was there, and nothing half-made."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dataset_commands import READERS, WRITERS, left_behind, write_inputs

Punie = Callable[..., Any]

LINES = {**WRITERS, "download": "download sample --max 40 --output OUT"}
PAGE = "stats IN --html page.html"
DRAFT = r"/\.OUT\.[0-9a-f]{8}/"
MOMENTS = {"the first row": rf"{DRAFT}train\.jsonl$", "the last word": rf"{DRAFT}\.dataset\.json\."}


class _Tripwire:
    """Calls back, once, when a path that fits a pattern is about to be opened for writing.

    An audit hook is for ever, so there is one for all tests. It speaks in the middle of the command's own work: no
    test has to guess how long anything takes.
    """

    def __init__(self) -> None:
        self._pattern: re.Pattern[str] | None = None
        self._then: Callable[[], None] = lambda: None
        sys.addaudithook(self._hear)

    @contextmanager
    def at(self, pattern: str, then: Callable[[], None]) -> Generator[None]:
        self._pattern, self._then = re.compile(pattern), then
        yield
        assert self._pattern is None, "the moment never came"

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._pattern is None or event != "open" or not arguments[2] & os.O_CREAT:
            return
        if self._pattern.search(str(arguments[0])):
            self._pattern = None
            self._then()


TRIPWIRE = _Tripwire()


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_ctrl_c_leaves_nothing(punie: Punie, tmp_path: Path, line: str, moment: str) -> None:
    """While rows are written or at the very end: exit code 130, one word, no output, no draft."""
    write_inputs(tmp_path)
    with TRIPWIRE.at(moment, interrupt):
        ended = punie("dataset", *line.split())
    assert (ended.code, ended.out, ended.err) == (130, "", "Interrupted.\n")
    assert left_behind(tmp_path) == []


def test_ctrl_c_leaves_the_old_page(punie: Punie, tmp_path: Path) -> None:
    """A page that was there stays as it was."""
    write_inputs(tmp_path)
    (tmp_path / "page.html").write_text("old")
    with TRIPWIRE.at(r"\.page\.html\.", interrupt):
        assert punie("dataset", *PAGE.split()).code == 130
    assert left_behind(tmp_path) == ["page.html"]
    assert (tmp_path / "page.html").read_text() == "old"


@contextmanager
def files_of_at_most(size: int) -> Generator[None]:
    """The system itself stops every write beyond so many bytes of a file, in the middle of a row."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("line", [*LINES.values(), PAGE], ids=[*LINES, "page"])
def test_a_file_that_cannot_grow_leaves_nothing(punie: Punie, tmp_path: Path, line: str) -> None:
    """A write that fails in the middle is exit code 4 and a sentence with the file; what was there stays."""
    write_inputs(tmp_path)
    (tmp_path / "page.html").write_text("old")
    with files_of_at_most(4096):
        ended = punie("dataset", *line.split())
    assert ended.code == 4, ended.err
    assert "A file may not get this large here." in ended.err
    assert str(tmp_path) in ended.err or "page.html" in ended.err
    assert left_behind(tmp_path) == ["page.html"]
    assert (tmp_path / "page.html").read_text() == "old"


ON_A_SMALL_DISK = """
mount -t tmpfs -o size={size}k none disk && cp -r IN OTHER FILE BENCH RECIPE disk && cd disk || exit 99
{command}
code=$?
ls -A
exit $code
"""


@pytest.mark.slow
@pytest.mark.parametrize("line", [*LINES.values(), PAGE], ids=[*LINES, "page"])
def test_a_full_disk_leaves_nothing(tmp_path: Path, line: str) -> None:
    """On a disk of its own that is too small for the result: exit code 4, and only the inputs are there afterwards."""
    write_inputs(tmp_path)
    (tmp_path / "disk").mkdir()
    if not can_mount(tmp_path / "disk"):
        pytest.skip("this system lets nobody mount a disk of his own")
    used = 4 * sum(-(-path.stat().st_size // 4096) for path in tmp_path.rglob("*") if path.is_file())
    script = ON_A_SMALL_DISK.format(size=used + 8, command=f"{sys.executable} -m punie dataset {line}")
    ended = subprocess.run(mounted(script), cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 4, ended
    assert "No space is left on the disk." in ended.stderr
    assert sorted(ended.stdout.split()) == ["BENCH", "FILE", "IN", "OTHER", "RECIPE"]


def can_mount(folder: Path) -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(mounted(f"mount -t tmpfs none {folder}"), capture_output=True).returncode == 0


def mounted(script: str) -> list[str]:
    """A shell with mounts of its own, which end with it."""
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script]


WITH_A_TRIPWIRE = """
import os, re, signal, sys
_, pattern, number, *arguments = sys.argv
def hear(event, given):
    if event == "open" and given[2] & os.O_CREAT and re.search(pattern, str(given[0])):
        os.kill(os.getpid(), int(number))
sys.addaudithook(hear)
from punie.cli import main
sys.argv = ["punie", "dataset", *arguments]
main()
"""


def killed(folder: Path, line: str, number: signal.Signals) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, which gets a signal while it writes its rows."""
    arguments = [sys.executable, "-c", WITH_A_TRIPWIRE, MOMENTS["the first row"], str(int(number)), *line.split()]
    return subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=60)


def test_being_asked_to_end_leaves_nothing(tmp_path: Path) -> None:
    """SIGTERM, as a system sends it before it shuts down, is an interruption."""
    write_inputs(tmp_path)
    ended = killed(tmp_path, WRITERS["build"], signal.SIGTERM)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "Interrupted.\n")
    assert left_behind(tmp_path) == []


def test_what_a_killed_command_left_is_swept_by_the_next(punie: Punie, tmp_path: Path) -> None:
    """SIGKILL leaves a hidden draft, and no output; the same command then works, and the draft is gone."""
    write_inputs(tmp_path)
    assert killed(tmp_path, WRITERS["filter"], signal.SIGKILL).returncode == -signal.SIGKILL
    (draft,) = left_behind(tmp_path)
    assert re.fullmatch(DRAFT, f"/{draft}/")
    ended = punie("dataset", *WRITERS["filter"].split())
    assert ended.code == 0, ended.err
    assert left_behind(tmp_path) == ["OUT"]


def test_a_draft_of_a_living_command_is_left_alone(punie: Punie, tmp_path: Path) -> None:
    """Of two commands with one output the first to end gets the name; the other says so, and takes nothing away."""
    write_inputs(tmp_path)
    inner = []

    def filter_meanwhile() -> None:
        line = [sys.executable, "-m", "punie", "dataset", *WRITERS["filter"].split()]
        inner.append(subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=60))

    with TRIPWIRE.at(MOMENTS["the first row"], filter_meanwhile):
        ended = punie("dataset", *WRITERS["filter"].split())
    assert inner[0].returncode == 0, inner[0].stderr
    assert ended.code == 2
    assert "cannot take its name" in ended.err
    assert left_behind(tmp_path) == ["OUT"]


@pytest.mark.parametrize("line", READERS.values(), ids=READERS)
def test_commands_that_look_write_nothing(punie: Punie, tmp_path: Path, line: str) -> None:
    """What only reads rows leaves no file anywhere near them."""
    write_inputs(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert punie("dataset", *line.split()).code == 0
    assert sorted(tmp_path.rglob("*")) == before
