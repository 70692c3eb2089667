"""The real command on a port of its own, and a project of unfinished and finished runs for it to show."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

PUNIE = Path(sys.executable).parent / "punie"


@contextmanager
def dashboard(*folders: Path) -> Generator[tuple[str, subprocess.Popen[str]]]:
    """Its address and its process, which is gone at the end."""
    command = [str(PUNIE), "dashboard", *map(str, folders), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            yield _address(process.stderr), process
        finally:
            process.kill()


def _address(lines: Iterable[str]) -> str:
    found = next(match for line in lines if (match := re.search(r"http://[\d.]+:\d+", line)))
    return found[0]


def interrupted(process: subprocess.Popen[str]) -> int:
    """The exit code after Ctrl-C."""
    process.send_signal(signal.SIGINT)
    return process.wait(30)
