"""One child process with one owner: started in its own group, logged to a file, stopped for certain."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from punie.child import hold_lifeline
from punie.files import make_folder

_OPENBLAS = ("usr/lib/*-linux-gnu/libopenblas.so.0", "usr/lib64/libopenblas.so.0", "usr/lib/libopenblas.so.0")


class Child:
    """A Python module in a child process whose whole group ends with it, or with its parent.

    Output goes straight to `log`, so a chatty child never blocks on a pipe nobody reads.
    """

    def __init__(self, module: str, *arguments: str, log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.command = [sys.executable, "-m", "punie.child", module, *arguments]
        self.log = log
        make_folder(log.parent)
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=dict(environment if environment is not None else mlx_environment()),
                start_new_session=True,
            )
        self._awake = _keep_awake(self._process.pid)

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, or None while the child runs."""
        return self._process.poll()

    def wait(self, seconds: float | None = None) -> int:
        """Wait for the end. Raises subprocess.TimeoutExpired."""
        return self._process.wait(seconds)

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the group and return at once."""
        self._signal(signal.SIGTERM)

    def stop(self, grace: float = 10.0) -> int:
        """SIGTERM, `grace` seconds, SIGKILL; calling it again does nothing. Returns the exit code."""
        if self._process.poll() is None:
            self.ask_to_stop()
            try:
                self._process.wait(grace)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
        code = self._process.wait()
        self._signal(signal.SIGKILL)
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._awake is not None:
            self._awake.wait()
        return code

    def last_lines(self, count: int = 12) -> str:
        """The end of the log: what the child said last."""
        return last_lines(self.log, count)

    def _signal(self, number: signal.Signals) -> None:
        # A group whose last member is gone cannot be signalled, and need not be.
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return


def last_lines(log: Path, count: int = 12) -> str:
    """The end of a log; nothing where there is none."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join(text.strip().splitlines()[-count:])


class Fork:
    """A copy of this process, in a group of its own, that does one piece of work and ends, or ends with its parent.

    It starts in a few milliseconds, where a fresh Python takes a hundred for its imports. Only where `may_fork()`.
    """

    def __init__(self, work: Callable[[], None], *, log: Path) -> None:
        self.log = log
        lifeline, self._held = os.pipe()
        self._pid = os.fork()
        self._ended = False
        if self._pid == 0:
            os.close(self._held)
            _work_alone(work, lifeline, log)
        os.close(lifeline)

    def wait(self) -> None:
        """Wait for the end."""
        if not self._ended:
            os.waitpid(self._pid, 0)
            os.close(self._held)
            self._ended = True

    def stop(self) -> None:
        """Kill it where it still works; calling it again does nothing."""
        if not self._ended:
            os.kill(self._pid, signal.SIGKILL)
        self.wait()

    def last_lines(self) -> str:
        return last_lines(self.log)


def may_fork() -> bool:
    """Whether this process has one thread, and its system copies such a process whole. macOS does not promise to."""
    return sys.platform == "linux" and len(os.listdir("/proc/self/task")) == 1


def _work_alone(work: Callable[[], None], lifeline: int, log: Path) -> NoReturn:
    """What a copy does. It never runs on into the code of its parent, and never writes what that had buffered."""
    status = 1
    try:
        os.setsid()
        os.dup2(lifeline, 0)
        hold_lifeline()
        with log.open("a") as out, redirect_stderr(out):
            try:
                work()
                status = 0
            except BaseException as error:
                sys.__excepthook__(type(error), error, error.__traceback__)
    finally:
        os._exit(status)


def mlx_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child that computes with MLX.

    Linux: OpenBLAS is preloaded, since the MLX CPU build carries a reference BLAS about 30 times slower; compilation is
    off, since it calls the C++ compiler for 25 s on a fresh machine and makes a training step 2-5 % faster (measured).
    macOS: the GPU watchdog is relaxed, which otherwise ends long training while the display is lit (mlx issue 3267).
    """
    environment = dict(os.environ if base is None else base)
    environment["PYTHONUNBUFFERED"] = "1"
    environment["TOKENIZERS_PARALLELISM"] = "false"
    if sys.platform == "darwin":
        environment.setdefault("AGX_RELAX_CDM_CTXSTORE_TIMEOUT", "1")
        return environment
    environment.setdefault("MLX_DISABLE_COMPILE", "1")
    if (library := find_openblas()) is not None:
        already = environment.get("LD_PRELOAD", "").split()
        environment["LD_PRELOAD"] = " ".join(dict.fromkeys([*already, str(library)]))
    return environment


@cache
def find_openblas() -> Path | None:
    """The OpenBLAS library of this Linux machine, or None."""
    found = (path for pattern in _OPENBLAS for path in sorted(Path("/").glob(pattern)))
    return next(found, None)


def _keep_awake(pid: int) -> subprocess.Popen[bytes] | None:
    """On macOS, keep the machine from sleeping for as long as `pid` lives."""
    if sys.platform != "darwin":
        return None
    return subprocess.Popen(["caffeinate", "-i", "-w", str(pid)], stdin=subprocess.DEVNULL)
