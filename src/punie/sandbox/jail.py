"""Whether a jail can be had here. Nothing is believed: hostile code is run in it, and what it gets done is listed."""

from __future__ import annotations

import os
import sys
import tempfile
from functools import cache
from pathlib import Path

from punie.errors import SandboxError
from punie.sandbox import linux, macos
from punie.sandbox.judge import CallResult, Ending, Execution, run_function
from punie.sandbox.limits import Limits

_HOSTILE = """
import os, signal, socket, subprocess

def tried(act):
    try:
        act()
    except OSError:
        return False
    return True

def fork():
    if os.fork() == 0:
        os._exit(0)

def escapes(outside, interpreter, judge):
    acts = {
        "read a file outside": lambda: open(outside).close(),
        "write a file outside": lambda: open(outside, "a").close(),
        "delete a file outside": lambda: os.unlink(outside),
        "open a network socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("127.0.0.1", 9)),
        "start a process": fork,
        "start a program": lambda: subprocess.run([interpreter, "-c", ""], check=True),
        "signal another process": lambda: os.kill(judge, 0),
    }
    return [name for name, act in acts.items() if tried(act)]

"""
_PATIENT = Limits(cpu_seconds=10, wall_seconds=30.0)


@cache
def probe() -> str:
    """Why no jail can be had here, in words; "" where one can, proven by trying to get out of it. Asked once."""
    platform = {"linux": linux, "darwin": macos}.get(sys.platform)
    if platform is None:
        return f"there is none for {sys.platform}"
    if lacking := platform.missing():
        return f"this system lacks {lacking}"
    try:
        result = _try_to_escape()
    except SandboxError as error:
        return error.what.rstrip(".")
    if result.ending is not Ending.RETURNED:
        return f"nothing runs in it ({result.ending}: {result.detail})"
    return f"code in it could {', '.join(result.value)}" if result.value else ""


def _try_to_escape() -> CallResult:
    with tempfile.TemporaryDirectory() as folder:
        outside = Path(folder, "outside")
        outside.touch()
        ran = run_function(_HOSTILE, "escapes", [[str(outside), sys.executable, os.getpid()]], _PATIENT)
    return ran.results[0]


def choose_execution(*, unsafe: bool, ours: bool = False) -> Execution:
    """How code is run from here on.

    `unsafe` does without a jail; `ours` says that nobody but Punie taught the code's author, so that a machine without
    a jail is no reason to refuse. Raises SandboxError where there is no jail, and neither holds.
    """
    reason = "" if unsafe else probe()
    if unsafe or (reason and ours):
        return "unsafe child process"
    if reason:
        raise SandboxError(
            f"Code that nobody trusts would have to run without a jail: {reason}.",
            hint="--unsafe-no-sandbox runs it all the same, and marks the report. It can read and delete what you can.",
        )
    return "jail"
