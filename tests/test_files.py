"""Files are there as a whole or as they were, whoever is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from punie.files import atomic_writer, write_text

WRITE_AND_DIE = """
import os, signal
from pathlib import Path
from punie.files import atomic_writer
with atomic_writer(Path("a.txt")) as out:
    out.write(b"half")
    out.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_writer_left_goes_with_the_next(tmp_path: Path) -> None:
    """The file is what it was; the hidden draft lies there until the same file is written again."""
    write_text(tmp_path / "a.txt", "old")
    write_text(tmp_path / ".a.txt.original", "of somebody else")
    ended = subprocess.run([sys.executable, "-c", WRITE_AND_DIE], cwd=tmp_path, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert (tmp_path / "a.txt").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 3
    write_text(tmp_path / "a.txt", "new")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "a.txt": "new",
        ".a.txt.original": "of somebody else",
    }


def test_a_living_writer_keeps_its_draft(tmp_path: Path) -> None:
    """Of two who write the same file at once the last to end has it."""
    with atomic_writer(tmp_path / "a.txt") as out:
        out.write(b"first begun")
        write_text(tmp_path / "a.txt", "second begun")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "first begun")]
    assert (tmp_path / "a.txt").stat().st_mode & 0o600 == 0o600
