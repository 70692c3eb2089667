"""The child's side: limit this process, run the source, write down what each call returned.

Started as a bare script with the standard library alone; it must not import punie.

    python candidate.py RESULT_DESCRIPTOR < REQUEST

The request is one JSON object: source, entry_point, argument_lists, limits. One JSON line is written for each call, in
order: ["returned", value] or [ending, detail]. Lists, tuples, sets, dicts and very long integers are tagged, so that
plain values arrive as they left: {"list": [...]}, {"dict": [[key, value], ...]}, {"int": "0x..."}.
"""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import sys
import types
from collections.abc import Callable, Iterable
from typing import Any

_LONG_INTEGER_BITS = 1024
_DETAIL_CHARACTERS = 300


class NotPlain(Exception):
    """A result that is no plain data."""


def main() -> None:
    request = json.load(sys.stdin)
    _close_input()
    _limit(request["limits"])
    results = os.fdopen(int(sys.argv[1]), "w")
    function, failure = _load(request["source"], request["entry_point"])
    for arguments in request["argument_lists"]:
        results.write((_call(function, arguments) if function is not None else failure) + "\n")
        results.flush()
    # No thread, exit handler or finalizer of the candidate runs after its last result.
    os._exit(0)


def _close_input() -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _limit(limits: dict[str, Any]) -> None:
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


def _load(source: str, entry_point: str) -> tuple[Callable[..., Any] | None, str]:
    """The function, or the line to write for every call in its place."""
    module = types.ModuleType("candidate")
    sys.modules["candidate"] = module
    try:
        code = compile(source, "candidate.py", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return None, _line("does not compile", _describe(error))
    try:
        exec(code, module.__dict__)
    except BaseException as error:
        return None, _failure(error)
    function = module.__dict__.get(entry_point)
    if not callable(function):
        return None, _line("missing function", f"the code defines no function called {entry_point}")
    return function, ""


def _call(function: Callable[..., Any], arguments: list[Any]) -> str:
    try:
        value = function(*arguments)
    except BaseException as error:
        return _failure(error)
    try:
        return _line("returned", _plain(value))
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
        case _:
            return _line("raised", _describe(error))


def _line(ending: str, content: Any) -> str:
    return json.dumps([ending, content])


def _describe(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:_DETAIL_CHARACTERS]
    except BaseException:
        return type(error).__name__


def _plain(value: Any) -> Any:
    """Reduce to exact built-in types. Subclasses go through their base class, never through methods of their own."""
    match value:
        case None | bool():
            return value
        case int():
            number = int.__int__(value)
            return number if number.bit_length() <= _LONG_INTEGER_BITS else {"int": hex(number)}
        case float():
            return float.__float__(value)
        case str():
            return str.__str__(value)
        case dict():
            return {"dict": [[_plain(key), _plain(item)] for key, item in dict.items(value)]}
    for kind in (list, tuple, set, frozenset):
        if isinstance(value, kind):
            items: Iterable[Any] = kind.__iter__(value)
            return {kind.__name__: [_plain(item) for item in items]}
    raise NotPlain(f"a value of type {type(value).__name__}")


if __name__ == "__main__":
    main()
