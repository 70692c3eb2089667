"""The judge's side: start one child for one source, read what its calls returned, end it for certain.

UNSAFE: there is no jail around the file system or the network yet. Run only code you would run yourself.

What it protects: the verdict, and the machine's time and memory. Expected values never enter the child, results are
compared here, and whatever arrives is decoded into exact built-in types. A candidate that forges result lines must
still write the right values. Processor time, time by the clock, address space (Linux), output, results, file size and
open files are capped; the whole process group is killed afterwards.
What it does not protect: files the user can read or delete, the network, a process that leaves the group, the number
of processes, and on macOS memory.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from punie.sandbox.limits import Limits

_CANDIDATE = Path(__file__).with_name("candidate.py")
_CHUNK = 65536
_GRACE_SECONDS = 1.0
_DETAIL_CHARACTERS = 300
_SEQUENCES = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}


class Ending(StrEnum):
    """How a call ended. Only a returned value can be right."""

    RETURNED = "returned"
    RAISED = "raised"
    NOT_PLAIN = "not plain data"
    NOT_COMPILED = "does not compile"
    MISSING = "missing function"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT = "too much output"
    ENDED_EARLY = "ended early"


@dataclass(frozen=True, slots=True)
class CallResult:
    """`value` is plain data of exact built-in types when `ending` is RETURNED; `detail` says more of other endings."""

    ending: Ending
    value: Any = None
    detail: str = ""


def run_function(
    source: str, entry_point: str, argument_lists: Sequence[Sequence[Any]], limits: Limits | None = None
) -> tuple[CallResult, ...]:
    """Run `source` in a child, call `entry_point` once for each argument list, and return one result for each.

    Arguments are JSON data; each call gets its own copy. All calls share one process, so state left by one is seen by
    the next, and calls after the one that ended the process share its ending. UNSAFE: see the module.
    """
    limits = limits or Limits()
    request = {
        "source": source,
        "entry_point": entry_point,
        "argument_lists": [list(arguments) for arguments in argument_lists],
        "limits": limits.to_row(),
    }
    with tempfile.TemporaryFile("w+") as file, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        json.dump(request, file)
        file.seek(0)
        with _Candidate(file, folder, limits) as candidate:
            lines, ending = candidate.read_results(len(argument_lists))
    results = tuple(_decode_line(line) for line in lines)
    return results + (ending,) * (len(argument_lists) - len(results))


class _Candidate:
    """One child in a group of its own, the pipe of its results and the pipe of its output."""

    def __init__(self, request: IO[str], folder: str, limits: Limits) -> None:
        self._limits = limits
        self._started = time.monotonic()
        self._results, results_end = os.pipe()
        self._output, output_end = os.pipe()
        try:
            self._process = subprocess.Popen(
                # -s -S -P and the environment below isolate as -I does, but leave the hash seed to us:
                # a verdict that hangs on the order of a set comes out the same when it is given again.
                [sys.executable, "-s", "-S", "-P", "-B", "-X", "utf8", str(_CANDIDATE), str(results_end)],
                stdin=request,
                stdout=output_end,
                stderr=output_end,
                cwd=folder,
                env={"PYTHONHASHSEED": "0", "HOME": folder, "TMPDIR": folder, "PATH": os.defpath},
                pass_fds=(results_end,),
                start_new_session=True,
            )
        except OSError:
            self._close()
            raise
        finally:
            os.close(results_end)
            os.close(output_end)

    def __enter__(self) -> _Candidate:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._close()

    def _close(self) -> None:
        os.close(self._results)
        os.close(self._output)

    def read_results(self, count: int) -> tuple[list[bytes], CallResult]:
        """Up to `count` complete lines, and the ending of the calls that wrote none."""
        results, output = bytearray(), 0
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
                        output += len(data)
                ending = self._exceeded(len(results), output)
                if ending is None and self._results not in selector.get_map():
                    ending = self._ended()
        return bytes(results).split(b"\n")[:-1][:count], ending or CallResult(Ending.ENDED_EARLY)

    def _exceeded(self, results: int, output: int) -> CallResult | None:
        if output > self._limits.output_bytes:
            return CallResult(Ending.OUTPUT, detail=f"more than {self._limits.output_bytes} bytes")
        if results > self._limits.result_bytes:
            return CallResult(Ending.NOT_PLAIN, detail=f"a result of more than {self._limits.result_bytes} bytes")
        if self._seconds() >= self._limits.wall_seconds:
            return CallResult(Ending.TIMEOUT, detail=f"{self._limits.wall_seconds:g} s by the clock")
        return None

    def _ended(self) -> CallResult:
        """Why the result pipe was closed before the last result."""
        try:
            code = self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            return CallResult(Ending.ENDED_EARLY, detail="it closed its result channel")
        out_of_time = {-signal.SIGXCPU, -signal.SIGALRM}
        # The kernel ends a candidate that ignores SIGXCPU with SIGKILL, one second later.
        if code in out_of_time or (code == -signal.SIGKILL and self._seconds() >= self._limits.cpu_seconds):
            return CallResult(Ending.TIMEOUT, detail=f"{self._limits.cpu_seconds} s of processor time")
        return CallResult(Ending.ENDED_EARLY, detail=f"signal {-code}" if code < 0 else f"exit code {code}")

    def _seconds(self) -> float:
        return time.monotonic() - self._started


def _decode_line(line: bytes) -> CallResult:
    """A line comes from a process nobody trusts: anything unexpected in it is a result that cannot be read."""
    try:
        ending, content = json.loads(line)
        if ending == Ending.RETURNED:
            return CallResult(Ending.RETURNED, _decode(content))
        return CallResult(Ending(ending), detail=_printable(content))
    except (ValueError, TypeError, RecursionError):
        return CallResult(Ending.NOT_PLAIN, detail="a result that cannot be read")


def _decode(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((tag, content),) = value.items()
    match tag:
        case "int":
            return int(content, 16)
        case "dict":
            return {_decode(key): _decode(item) for key, item in content}
        case "list" | "tuple" | "set" | "frozenset":
            return _SEQUENCES[tag](_decode(item) for item in content)
    raise ValueError(tag)


def _printable(detail: object) -> str:
    return str(detail)[:_DETAIL_CHARACTERS].encode("utf-8", "backslashreplace").decode()
