"""The parent of candidates: a warm interpreter that starts one fresh process for each, watches it and ends it.

It never reads a line of what it starts: the request goes to the candidate by a descriptor, the results go to the judge
by another. So nothing of one candidate is in the memory of the next. For each order, one JSON line with three
descriptors (request, results, output), it answers one JSON line once it is told to end, or at once where the jail does
not hold. It ends when the judge does.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import json
import math
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from punie.sandbox import candidate, linux, macos
from punie.sandbox.removal import remove_folder

KILL, SETTLE = b"k", b"s"
"""End at once; or give a candidate that has closed its results the moment it needs to exit by itself."""
LOOK_SECONDS = 0.02
_SETTLE_SECONDS = 0.2
_ENTRY_BYTES = 4096
_ORDER_BYTES = 65536
_ROOT = str(Path(__file__).resolve().parent.parent.parent)
_OFTEN_IMPORTED = ("bisect", "collections", "copy", "functools", "heapq", "itertools", "math", "random", "re", "typing")


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    _prepare()
    while received := _receive(control):
        report = _serve(control, *received)
        with suppress(ConnectionError):
            control.sendall(json.dumps(report).encode() + b"\n")


def _prepare() -> None:
    # The folder that punie was imported from is no business of a candidate.
    sys.path.remove(os.environ.pop("PYTHONPATH"))
    for name in _OFTEN_IMPORTED:
        importlib.import_module(name)
    if sys.platform == "linux":
        linux.adopt_orphans()
    gc.collect()
    gc.freeze()


def _receive(control: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    data, descriptors, _, _ = socket.recv_fds(control, _ORDER_BYTES, 3)
    while data and not data.endswith(b"\n"):
        data += control.recv(_ORDER_BYTES)
    return (json.loads(data), descriptors) if data else None


def _serve(control: socket.socket, order: Mapping[str, Any], descriptors: Sequence[int]) -> dict[str, Any]:
    """Start, watch and end one candidate. The report says how it ended, or why none of its code ran ("broken")."""
    try:
        process, said = _start(order, descriptors)
    except OSError as error:
        control.recv(1)
        return {"broken": str(error)}
    exceeded = _watch(control, process, order)
    if exceeded:
        _kill(process)
    told = control.recv(1)
    ended = _end(process, _SETTLE_SECONDS if told == SETTLE else 0)
    if not told:
        # The judge was killed, and cannot remove what it made.
        remove_folder(order["folder"])
    if said != candidate.JAILED:
        return {"broken": said.decode(errors="replace") or f"it ended at once with {ended['code']}"}
    return {"exceeded": exceeded, **ended}


def _start(order: Mapping[str, Any], descriptors: Sequence[int]) -> tuple[int, bytes]:
    """The process, and what it said when the jail was there. Closes our copies of the descriptors."""
    ready, ready_end = os.pipe()
    try:
        process = os.fork()
        if process == 0:
            _become(order, (*descriptors, ready_end))
    finally:
        for descriptor in (*descriptors, ready_end):
            os.close(descriptor)
    with open(ready, "rb") as file:
        return process, file.read()


def _become(order: Mapping[str, Any], descriptors: Sequence[int]) -> None:
    """In the new process: arrange its descriptors, and never come back."""
    try:
        parent = os.getppid()
        os.setsid()
        high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 16) for descriptor in descriptors]
        request, results, output, ready = high
        for here, there in ((request, 0), (output, 1), (output, 2), (results, 3), (ready, 4)):
            os.dup2(here, there)
        os.closerange(5, os.sysconf("SC_OPEN_MAX"))
        if sys.platform == "darwin":
            if order["jail"]:
                arguments = [*candidate.FLAGS, "-m", candidate.__name__, json.dumps(order)]
                command = macos.command(arguments, order["folder"])
                os.execve(command[0], command, {**os.environ, "PYTHONPATH": _ROOT})
        else:
            linux.die_with_parent(parent)
        candidate.main(order, linux.enter if order["jail"] else lambda _: None)
    finally:
        os._exit(1)


def _watch(control: socket.socket, process: int, order: Mapping[str, Any]) -> str:
    """Until the judge speaks: "disk" or "memory" where the candidate took too much, and "" where it did not."""
    while not select.select([control], [], [], LOOK_SECONDS)[0]:
        if _used(order["folder"]) > order["limits"]["disk_bytes"]:
            return "disk"
        if sys.platform == "darwin" and macos.footprint(process) > order["limits"]["memory_bytes"]:
            return "memory"
    return ""


def _used(folder: str) -> float:
    """Bytes on the disk below a folder; without end where something in it cannot be looked at."""
    used, waiting = 0, [folder]
    try:
        while waiting:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    used += _ENTRY_BYTES + _size(entry)
                    waiting += [entry.path] * entry.is_dir(follow_symlinks=False)
    except OSError:
        return math.inf
    return used


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_blocks * 512
    except FileNotFoundError:
        return 0


def _end(process: int, patience: float) -> dict[str, Any]:
    """Kill the candidate and everything it left, unless it ends by itself within `patience` seconds."""
    deadline = time.monotonic() + patience
    while os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None and time.monotonic() < deadline:
        time.sleep(0.001)
    _kill(process)
    _, status, usage = os.wait4(process, 0)
    _end_orphans()
    return {"code": os.waitstatus_to_exitcode(status), "cpu_seconds": usage.ru_utime + usage.ru_stime}


def _kill(process: int) -> None:
    """The process and its group. It is not waited for yet, so both numbers are still its own."""
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            kill(process, signal.SIGKILL)


def _end_orphans() -> None:
    """What an unjailed candidate forked into another session has become our child (Linux)."""
    while sys.platform == "linux" and (orphans := linux.children()):
        for orphan in orphans:
            os.kill(orphan, signal.SIGKILL)
            os.waitpid(orphan, 0)


if __name__ == "__main__":
    main()
