from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from punie.sandbox.judge import Ending, run_function
from punie.sandbox.limits import Limits

CAP = Limits(cpu_seconds=1, wall_seconds=2.0)


def ending(source: str, limits: Limits = CAP) -> Ending:
    (result,) = run_function(source, "f", [[1]], limits)
    return result.ending


BEHAVIOURS = {
    "returns": ("def f(x): return x + 1", Ending.RETURNED),
    "leaves a thread": (
        "import threading, time\ndef f(x): threading.Thread(target=time.sleep, args=(60,)).start()",
        Ending.RETURNED,
    ),
    "registers an exit handler": (
        "import atexit, time\natexit.register(time.sleep, 60)\ndef f(x): ...",
        Ending.RETURNED,
    ),
    "an object equal to everything": (
        "class E:\n    def __eq__(self, other): return True\ndef f(x): return E()",
        Ending.NOT_PLAIN,
    ),
    "an object that claims to be an int": (
        "class E:\n    __class__ = int\n    def __eq__(self, other): return True\ndef f(x): return E()",
        Ending.RAISED,
    ),
    "a generator": ("def f(x):\n    while True: yield x", Ending.NOT_PLAIN),
    "a list of itself": ("def f(x):\n    y = []\n    y.append(y)\n    return y", Ending.NOT_PLAIN),
    "a result too large": ("def f(x): return 'x' * 10_000_000", Ending.NOT_PLAIN),
    "a syntax error": ("def f(x) return x", Ending.NOT_COMPILED),
    "a null byte": ("def f(x): return x\0", Ending.NOT_COMPILED),
    "another name": ("def g(x): return x", Ending.MISSING),
    "a name that is no function": ("f = 1", Ending.MISSING),
    "an exception": ("def f(x): return 1 / 0", Ending.RAISED),
    "a base exception": ("class E(BaseException): ...\ndef f(x): raise E", Ending.RAISED),
    "an exception that cannot be shown": (
        "class E(Exception):\n    def __str__(self): raise SystemExit(0)\ndef f(x): raise E",
        Ending.RAISED,
    ),
    "a keyboard interrupt": ("def f(x): raise KeyboardInterrupt", Ending.RAISED),
    "endless recursion": ("def f(x): return f(x)", Ending.RAISED),
    "asks for input": ("def f(x): return input()", Ending.RAISED),
    "writes a large file": ("def f(x): open('x', 'wb').write(bytes(10_000_000))", Ending.RAISED),
    "opens many files": ("def f(x): return len([open('/dev/null') for _ in range(100)])", Ending.RAISED),
    "exits at import": ("import sys\nsys.exit(0)", Ending.ENDED_EARLY),
    "exits in the call": ("def f(x): raise SystemExit(0)", Ending.ENDED_EARLY),
    "exits past python": ("import os\ndef f(x): os._exit(0)", Ending.ENDED_EARLY),
    "kills itself": ("import os\ndef f(x): os.kill(os.getpid(), 9)", Ending.ENDED_EARLY),
    "dies of a signal without a name": ("import os\ndef f(x): os.kill(os.getpid(), 40)", Ending.ENDED_EARLY),
    "closes the result channel": ("import os\nos.close(3)\nos._exit(0)", Ending.ENDED_EARLY),
    "loops": ("def f(x):\n    while True: pass", Ending.TIMEOUT),
    "loops and ignores the warning": (
        "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\ndef f(x):\n    while True: pass",
        Ending.TIMEOUT,
    ),
    "loops past every exception": (
        "def f(x):\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass",
        Ending.TIMEOUT,
    ),
    "sleeps": ("import time\ndef f(x): time.sleep(60)", Ending.TIMEOUT),
    "one long instruction": ("def f(x): return 3 ** 3 ** 20", Ending.TIMEOUT),
    "floods its output": ("def f(x):\n    while True: print('x' * 9999)", Ending.OUTPUT),
    "floods without a newline": ("import os\ndef f(x):\n    while True: os.write(2, b'\\xff' * 9999)", Ending.OUTPUT),
    "forges nonsense": (
        "import os\nos.write(3, b'[' * 9999 + b'\\n')\ndef f(x): return x",
        Ending.TAMPERED,
    ),
    "forges a set of lists": (
        'import os\nos.write(3, b\'["returned", {"set": [{"list": []}]}]\\n\')\ndef f(x): return x',
        Ending.TAMPERED,
    ),
}


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_every_ending_has_its_own_name_and_comes_within_a_second_of_the_cap(name: str) -> None:
    """Whatever a candidate does, the judge says which of the endings it was, and never waits longer than cap + 1 s."""
    source, expected = BEHAVIOURS[name]
    began = time.monotonic()
    assert ending(source) is expected
    assert time.monotonic() - began < CAP.wall_seconds + 1.0


@pytest.mark.skipif("sys.platform == 'darwin'", reason="macOS knows no limit of the address space")
def test_memory_growth_is_memory_and_not_an_exception_of_the_code() -> None:
    """A candidate that eats memory is stopped at the limit and classed as such."""
    source = "def f(x):\n    y = []\n    while True: y.append(bytearray(10**7))"
    assert ending(source, Limits(memory_bytes=128 * 2**20)) is Ending.MEMORY


VALUES = [
    *(None, True, False, 0, -7, 2**70, 10**5000, 0.1, math.inf, "", "é\ud800\x00'\"", [], [1, [2.0, "x"]], (1, (2,))),
    *({}, {"a": {1: (None,)}}, {1, 2}, frozenset({"x"})),
]


def test_plain_values_arrive_as_they_left() -> None:
    """Every plain value comes back with its exact type and content."""
    sources = [f"0x{value:x}" if type(value) is int and value > 10**4000 else repr(value) for value in VALUES]
    results = run_function(
        "from math import inf\ndef f(source): return eval(source)", "f", [[source] for source in sources]
    )
    assert [result.value for result in results] == VALUES
    assert [type(result.value) for result in results] == [type(value) for value in VALUES]


def test_floats_that_are_hard_to_tell_arrive() -> None:
    """NaN and negative zero are data too."""
    (result,) = run_function("def f(): return [float('nan'), -0.0]", "f", [[]])
    assert repr(result.value) == "[nan, -0.0]"


def test_subclasses_are_reduced_to_what_they_hold() -> None:
    """A subclass arrives as its built-in base, with the base's content: its own methods have no say."""
    source = """
import collections
class Any(int):
    def __eq__(self, other): return True
    def __int__(self): return 5
    __hash__ = int.__hash__
class Text(str):
    def __str__(self): return "other"
Pair = collections.namedtuple("Pair", "x y")
def f():
    return [Any(3), Text("text"), Pair(1, 2), collections.Counter("aa"), collections.OrderedDict(b=1)]
"""
    (result,) = run_function(source, "f", [[]])
    assert result.value == [3, "text", (1, 2), {"a": 2}, {"b": 1}]
    assert [type(item) for item in result.value] == [int, str, tuple, dict, dict]


def test_calls_before_the_end_keep_their_results() -> None:
    """Results of finished calls stand; the call that ended the process and all later ones share its ending."""
    results = run_function("import os\ndef f(x): return x if x else os._exit(3)", "f", [[1], [2], [0], [3]])
    assert [result.value for result in results] == [1, 2, None, None]
    assert [(result.ending, result.detail) for result in results[2:]] == [(Ending.ENDED_EARLY, "exit code 3")] * 2


def test_every_call_has_its_own_arguments() -> None:
    """An argument changed in place is not seen by the next call."""
    argument = [[1]]
    results = run_function("def f(x):\n    x.append(2)\n    return x", "f", [argument, argument])
    assert [result.value for result in results] == [[1, 2], [1, 2]]


def test_set_order_is_the_same_every_time() -> None:
    """A result that hangs on the order of a set is the same when it is judged again."""
    source = "def f(): return list({'a', 'b', 'c', 'd', 'e', 'f', 'g'})"
    first, second = (run_function(source, "f", [[]]) for _ in range(2))
    assert first == second


def test_the_child_sees_none_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens and paths of the user stay outside; home is the private folder, which is gone afterwards."""
    monkeypatch.setenv("HF_TOKEN", "secret")
    (result,) = run_function("import os\ndef f(): return [dict(os.environ), os.getcwd()]", "f", [[]])
    environment, folder = result.value
    assert "secret" not in environment.values()
    assert Path(environment["HOME"]).resolve() == Path(folder).resolve()
    assert not Path(folder).exists()
