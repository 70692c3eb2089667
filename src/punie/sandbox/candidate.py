"""The candidate's side: limit this process, enter the jail, run the source, write down what each call returned.

The standard library alone. Runs in a process of its own with these descriptors and no others: 0 the request, 1 and 2
its output, 3 the results, 4 where it says that the jail holds. The request is one JSON object: source, entry_point,
argument_lists. One JSON line is written for each call, in order: ["returned", value] or [ending, detail].
"""

from __future__ import annotations

import io
import json
import math
import os
import platform
import resource
import signal
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from punie.sandbox.plain import NotPlain, encode

REQUEST, RESULTS, READY = 0, 3, 4
JAILED = b"jailed"
FLAGS = ("-s", "-S", "-P", "-B", "-X", "utf8")
"""Isolated as by -I, which would take the hash seed from us: a verdict that hangs on the order of a set shall come out
the same when it is given again."""
_DETAIL_CHARACTERS = 300


def main(order: Mapping[str, Any], enter: Callable[[str], None]) -> NoReturn:
    """Never returns. `order` has folder and limits; `enter` shuts this process in, before any code of others runs."""
    try:
        with open(REQUEST, closefd=False) as file:
            request = json.load(file)
        _settle(order["folder"])
        _limit(order["limits"])
        enter(order["folder"])
    except (OSError, ValueError, MemoryError) as error:
        os.write(READY, str(error).encode())
        os._exit(1)
    os.write(READY, JAILED)
    os.close(READY)
    _answer(request)
    # No thread, exit handler or finalizer of the candidate runs after its last result.
    os._exit(0)


def _settle(folder: str) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, REQUEST)
    os.close(nothing)
    os.chdir(folder)
    os.environ.update(HOME=folder, TMPDIR=folder)
    sys.argv = [""]
    # What it prints is kept even where it is killed.
    assert isinstance(sys.stdout, io.TextIOWrapper)
    sys.stdout.reconfigure(line_buffering=True)


def _limit(limits: Mapping[str, Any]) -> None:
    # One second after the warning that can be ignored comes the end that cannot.
    _cap(resource.RLIMIT_CPU, limits["cpu_seconds"], limits["cpu_seconds"] + 1)
    _cap(resource.RLIMIT_FSIZE, limits["file_bytes"], limits["file_bytes"])
    _cap(resource.RLIMIT_NOFILE, limits["open_files"], limits["open_files"])
    _cap(resource.RLIMIT_CORE, 0, 0)
    if sys.platform != "darwin":
        _cap(resource.RLIMIT_AS, limits["memory_bytes"], limits["memory_bytes"])
    # A candidate whose judge was killed does not sleep on for ever.
    signal.alarm(math.ceil(limits["wall_seconds"]) + 1)


def _cap(kind: int, soft: int, hard: int) -> None:
    """Set a limit, or keep the lower one this process was born with."""
    _, born = resource.getrlimit(kind)
    ceiling = hard if born == resource.RLIM_INFINITY else min(hard, born)
    resource.setrlimit(kind, (min(soft, ceiling), ceiling))


def _answer(request: Mapping[str, Any]) -> None:
    with open(RESULTS, "w", closefd=False) as results:
        function, failure = _load(request["source"], request["entry_point"])
        for arguments in request["argument_lists"]:
            line = _call(function, arguments) if function is not None else failure
            _flush_printed()
            results.write(line + "\n")
            results.flush()


def _load(source: str, entry_point: str) -> tuple[Callable[..., Any] | None, str]:
    """The function, or the line to write for every call in its place."""
    module = types.ModuleType("candidate")
    sys.modules["candidate"] = module
    try:
        code = compile(source, "candidate.py", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return None, _line("does not compile", f"{_describe(error)} under Python {platform.python_version()}")
    try:
        exec(code, module.__dict__)
    except BaseException as error:
        return None, _failure(error)
    function = module.__dict__.get(entry_point)
    if not callable(function):
        return None, _line("missing function", f"the code defines no function called {entry_point}")
    return function, ""


def _flush_printed() -> None:
    """Before the result, after which nothing is read. The candidate may have broken or closed its output."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            continue


def _call(function: Callable[..., Any], arguments: list[Any]) -> str:
    try:
        value = function(*arguments)
    except BaseException as error:
        return _failure(error)
    try:
        return _line("returned", encode(value))
    except NotPlain as error:
        return _line("not plain data", str(error))
    except RecursionError:
        return _line("not plain data", "a value that contains itself, or is nested too deeply")
    except BaseException as error:
        return _failure(error)


def _failure(error: BaseException) -> str:
    match error:
        case MemoryError():
            return _line("memory", "the memory limit was reached")
        case SystemExit():
            return _line("ended early", _describe(error))
        case PermissionError():
            return _line("blocked", _describe(error))
        case _:
            return _line("raised", _describe(error))


def _line(ending: str, content: Any) -> str:
    return json.dumps([ending, content])


def _describe(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:_DETAIL_CHARACTERS]
    except BaseException:
        return type(error).__name__


if __name__ == "__main__":
    # Only macOS comes this way: sandbox-exec has shut the process in already.
    sys.path.remove(os.environ.pop("PYTHONPATH"))
    main(json.loads(sys.argv[1]), lambda _: None)
