"""The judge's side: ask one candidate for results, read what its calls returned, end it for certain.

What it protects: the verdict, and the machine. Expected values never enter the candidate's process, results are
compared here, and whatever arrives is decoded into exact built-in types. A candidate that forges result lines must
still write the right values. It reads its interpreter and its work folder, writes its work folder, and reaches no
network, no other program and no other process; time, memory, disk, output and results are capped, and nothing of it is
left afterwards. With `execution="unsafe child process"` the caps remain, and the rest is gone.

What it does not protect from:
- faults of the kernel. A jail of system calls is as good as they are; a virtual machine is better.
- side channels: time, load, and the names, sizes and dates of files (not their content) outside the work folder.
- threads without number: they share the memory limit and the time, but the kernel counts each against the user.
- a test that has to run in the candidate's process (`punie.sandbox.program` marks those): there the candidate decides.
- a candidate that is right for the tests alone, or keeps state from one call to the next: calls share a process.
- tests and reference solutions that are wrong.
- on macOS, more memory than the limit for the milliseconds between two looks; on both systems the same for the disk.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import IO, Any, Generic, Literal, TypeVar

from punie.sandbox.limits import Limits
from punie.sandbox.plain import decode
from punie.sandbox.pool import POOL, Worker
from punie.sandbox.printed import Printed
from punie.sandbox.removal import remove_folder

Execution = Literal["jail", "unsafe child process"]
_CHUNK = 65536
_DETAIL_CHARACTERS = 300
_Result = TypeVar("_Result")


class Ending(StrEnum):
    """How a call ended. Only a returned value can be right."""

    RETURNED = "returned"
    RAISED = "raised"
    BLOCKED = "blocked"
    """A PermissionError, which is how the jail says no."""
    NOT_PLAIN = "not plain data"
    NOT_COMPILED = "does not compile"
    MISSING = "missing function"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT = "too much output"
    DISK = "too many files"
    TAMPERED = "tampered with its results"
    ENDED_EARLY = "ended early"


@dataclass(frozen=True, slots=True)
class CallResult:
    """`value` is plain data of exact built-in types when `ending` is RETURNED; `detail` says more of other endings."""

    ending: Ending
    value: Any = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Ran(Generic[_Result]):
    """What came of one candidate: its results in order, and what it printed, cut in the middle."""

    results: tuple[_Result, ...]
    printed: str = ""


def run_function(
    source: str,
    entry_point: str,
    argument_lists: Sequence[Sequence[Any]],
    limits: Limits | None = None,
    execution: Execution = "jail",
) -> Ran[CallResult]:
    """Run `source` in a fresh process, call `entry_point` once for each argument list; one result for each.

    Arguments are JSON data; each call gets its own copy. All calls share one process, so state left by one is seen by
    the next, and calls after the one that ended the process share its ending. Raises SandboxError where the jail cannot
    be had; then no line of `source` has run.
    """
    request = {
        "source": source,
        "entry_point": entry_point,
        "argument_lists": [list(arguments) for arguments in argument_lists],
    }
    with tempfile.TemporaryFile("w+") as file, _work_folder() as folder, POOL.borrow() as worker:
        json.dump(request, file)
        file.seek(0)
        with _Candidate(worker, file, folder, limits or Limits(), execution) as candidate:
            lines, ending = candidate.read_results(len(argument_lists))
            printed = candidate.read_printed()
    results = tuple(_decode_line(line) for line in lines)
    return Ran(results + (ending,) * (len(argument_lists) - len(results)), printed)


@contextmanager
def _work_folder() -> Generator[str]:
    """An empty folder. Whatever a candidate leaves in it, however deep or locked, is gone afterwards."""
    folder = os.path.realpath(tempfile.mkdtemp(prefix="punie-"))
    try:
        yield folder
    finally:
        remove_folder(folder)


class _Candidate:
    """One candidate, the pipe of its results and the pipe of its output."""

    def __init__(self, worker: Worker, request: IO[str], folder: str, limits: Limits, execution: Execution) -> None:
        self._worker, self._limits = worker, limits
        self._ended_itself = False
        self._printed = Printed()
        self._results, results_end = os.pipe()
        self._output, output_end = os.pipe()
        self._started = time.monotonic()
        order = {"folder": folder, "jail": execution == "jail", "limits": limits.to_row()}
        try:
            worker.start(order, (request.fileno(), results_end, output_end))
        except BaseException:
            self._close()
            raise
        finally:
            os.close(results_end)
            os.close(output_end)

    def __enter__(self) -> _Candidate:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            if not self._ended_itself and error is None:
                self._worker.end()
        finally:
            self._close()

    def _close(self) -> None:
        os.close(self._results)
        os.close(self._output)

    def read_results(self, count: int) -> tuple[list[bytes], CallResult]:
        """Up to `count` complete lines, and the ending of the calls that wrote none."""
        results = bytearray()
        ending: CallResult | None = None
        with selectors.DefaultSelector() as selector:
            selector.register(self._results, selectors.EVENT_READ)
            selector.register(self._output, selectors.EVENT_READ)
            while ending is None and results.count(b"\n") < count:
                for key, _ in selector.select(max(0.0, self._limits.wall_seconds - self._seconds())):
                    data = os.read(key.fd, _CHUNK)
                    if not data:
                        selector.unregister(key.fd)
                    elif key.fd == self._results:
                        results += data
                    else:
                        self._printed.add(data)
                ending = self._exceeded(len(results))
                if ending is None and self._results not in selector.get_map():
                    ending = self._ended()
        return bytes(results).split(b"\n")[:-1][:count], ending or CallResult(Ending.ENDED_EARLY)

    def read_printed(self) -> str:
        """All that was printed before the last result: some of it may still lie in the pipe."""
        os.set_blocking(self._output, False)
        with suppress(BlockingIOError):
            while self._printed.size <= self._limits.output_bytes and (data := os.read(self._output, _CHUNK)):
                self._printed.add(data)
        return self._printed.text

    def _exceeded(self, results: int) -> CallResult | None:
        if self._printed.size > self._limits.output_bytes:
            return CallResult(Ending.OUTPUT, detail=f"more than {self._limits.output_bytes} bytes")
        if results > self._limits.result_bytes:
            return CallResult(Ending.NOT_PLAIN, detail=f"a result of more than {self._limits.result_bytes} bytes")
        if self._seconds() >= self._limits.wall_seconds:
            return CallResult(Ending.TIMEOUT, detail=f"{self._limits.wall_seconds:g} s by the clock")
        return None

    def _ended(self) -> CallResult:
        """Why the result pipe was closed before the last result."""
        self._ended_itself = True
        end = self._worker.end(settle=True)
        if end.exceeded == "disk":
            return CallResult(Ending.DISK, detail=f"more than {self._limits.disk_bytes} bytes of files")
        if end.exceeded == "memory":
            return CallResult(Ending.MEMORY, detail="the memory limit was reached")
        # The kernel ends a candidate that ignores SIGXCPU with SIGKILL, one second later.
        if end.code in {-signal.SIGXCPU, -signal.SIGALRM} or end.cpu_seconds >= self._limits.cpu_seconds:
            return CallResult(Ending.TIMEOUT, detail=f"{self._limits.cpu_seconds} s of processor time")
        return CallResult(Ending.ENDED_EARLY, detail=_cause(end.code))

    def _seconds(self) -> float:
        return time.monotonic() - self._started


def _cause(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"signal {-code}"


def _decode_line(line: bytes) -> CallResult:
    """A line comes from a process nobody trusts: our side of the jail writes none that cannot be read."""
    try:
        ending, content = json.loads(line)
        if ending == Ending.RETURNED:
            return CallResult(Ending.RETURNED, decode(content))
        return CallResult(Ending(ending), detail=_printable(content))
    except (ValueError, TypeError, RecursionError):
        return CallResult(Ending.TAMPERED, detail="a result that cannot be read")


def _printable(detail: object) -> str:
    return str(detail)[:_DETAIL_CHARACTERS].encode("utf-8", "backslashreplace").decode()
