"""Warm workers, one for each candidate under way. They are kept for the next, and end when this process does."""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import punie
from punie.errors import SandboxError
from punie.sandbox import candidate
from punie.sandbox.worker import KILL, SETTLE

_ROOT = str(Path(punie.__file__).resolve().parent.parent)


@dataclass(frozen=True, slots=True)
class End:
    """How a candidate ended: its exit code (negative for a signal), its processor time, and what it exceeded, or ""."""

    code: int
    cpu_seconds: float
    exceeded: str = ""


class Worker:
    """One `punie.sandbox.worker`, our end of its control socket, and one candidate at a time."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *candidate.FLAGS, "-m", "punie.sandbox.worker", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={"PYTHONHASHSEED": "0", "PATH": os.defpath, "PYTHONPATH": _ROOT},
                pass_fds=(theirs.fileno(),),
                # Ctrl-C is for this process, which may judge what it has before it ends.
                start_new_session=True,
            )

    def start(self, order: Mapping[str, Any], descriptors: Sequence[int]) -> None:
        """Start a candidate on copies of these descriptors. Raises SandboxError where the worker is gone."""
        try:
            socket.send_fds(self._control, [json.dumps(order).encode() + b"\n"], descriptors)
        except OSError as error:
            raise _lost() from error

    def end(self, *, settle: bool = False) -> End:
        """End the candidate: now, or where it has closed its results, once it had the moment it needs to exit.

        Raises SandboxError where the jail did not hold, so that none of its code ran, or where the worker is gone.
        """
        try:
            self._control.sendall(SETTLE if settle else KILL)
        except OSError as error:
            raise _lost() from error
        report = self._report()
        if "broken" in report:
            raise SandboxError(f"The candidate could not be jailed: {report['broken']}.")
        return End(**report)

    def close(self) -> None:
        self._control.close()
        self._process.wait()

    def _report(self) -> dict[str, Any]:
        data = b""
        while not data.endswith(b"\n"):
            if not (more := self._control.recv(65536)):
                raise _lost()
            data += more
        return json.loads(data)


class Pool:
    """Idle workers of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Worker] = []

    @contextmanager
    def borrow(self) -> Generator[Worker]:
        """A worker for one candidate. One that broke is not used again."""
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        worker = worker or Worker()
        try:
            yield worker
        except BaseException:
            worker.close()
            raise
        with self._lock:
            self._idle.append(worker)

    def close(self) -> None:
        """End the idle workers; the next candidate starts a new one."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()


POOL = Pool()
atexit.register(POOL.close)


def _lost() -> SandboxError:
    return SandboxError("The parent of candidates ended by itself.", hint="The machine may be out of memory.")
