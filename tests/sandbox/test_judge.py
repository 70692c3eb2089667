from __future__ import annotations

import math
from pathlib import Path

import pytest

from punie.sandbox.judge import Ending, run_function
from punie.sandbox.limits import Limits

VALUES = [
    *(None, True, False, 0, -7, 2**70, 10**5000, 0.1, math.inf, "", "é\ud800\x00'\"", [], [1, [2.0, "x"]], (1, (2,))),
    *({}, {"a": {1: (None,)}}, {1, 2}, frozenset({"x"})),
]


def test_plain_values_arrive_as_they_left() -> None:
    """Every plain value comes back with its exact type and content."""
    sources = [f"0x{value:x}" if type(value) is int and value > 10**4000 else repr(value) for value in VALUES]
    results = run_function(
        "from math import inf\ndef f(source): return eval(source)", "f", [[source] for source in sources]
    ).results
    assert [result.value for result in results] == VALUES
    assert [type(result.value) for result in results] == [type(value) for value in VALUES]


def test_floats_that_are_hard_to_tell_arrive() -> None:
    """NaN and negative zero are data too."""
    (result,) = run_function("def f(): return [float('nan'), -0.0]", "f", [[]]).results
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
    (result,) = run_function(source, "f", [[]]).results
    assert result.value == [3, "text", (1, 2), {"a": 2}, {"b": 1}]
    assert [type(item) for item in result.value] == [int, str, tuple, dict, dict]


def test_calls_before_the_end_keep_their_results() -> None:
    """Results of finished calls stand; the call that ended the process and all later ones share its ending."""
    results = run_function("import os\ndef f(x): return x if x else os._exit(3)", "f", [[1], [2], [0], [3]]).results
    assert [result.value for result in results] == [1, 2, None, None]
    assert [(result.ending, result.detail) for result in results[2:]] == [(Ending.ENDED_EARLY, "exit code 3")] * 2


PRINTED = {
    "def f(): print('one', end=''); return 1": "one",
    "print('as it loads')\ndef f(): print('as it runs')": "as it loads\nas it runs\n",
    "import sys\ndef f(): print('to both'); sys.stderr.write('x')": "to both\nx",
    "def f():\n  print('before it hangs')\n  while True: pass": "before it hangs\n",
    "import os\ndef f():\n  print('before it ends')\n  os._exit(3)": "before it ends\n",
    "import sys\ndef f():\n  print('before it is closed')\n  sys.stdout.close()": "before it is closed\n",
    "import os\ndef f(): os.write(1, b'\\xff<script>')": "\\xff<script>",
    "def f(): return 1": "",
}


@pytest.mark.parametrize("source", PRINTED)
def test_what_was_printed_is_kept(source: str) -> None:
    """All of it, in order, whatever its calls came to; bytes that are no text are written out."""
    assert run_function(source, "f", [[]], Limits(cpu_seconds=1)).printed == PRINTED[source]


def test_of_much_output_both_ends_are_kept() -> None:
    """2 kB, and how much is missing between them."""
    printed = run_function("def f(): print('a' * 5000 + 'b' * 5000)", "f", [[]]).printed
    assert printed == f"{'a' * 1024}\n[7,953 bytes are left out here]\n{'b' * 1023}\n"


def test_every_call_has_its_own_arguments() -> None:
    """An argument changed in place is not seen by the next call."""
    argument = [[1]]
    results = run_function("def f(x):\n    x.append(2)\n    return x", "f", [argument, argument]).results
    assert [result.value for result in results] == [[1, 2], [1, 2]]


def test_set_order_is_the_same_every_time() -> None:
    """A result that hangs on the order of a set is the same when it is judged again."""
    source = "def f(): return list({'a', 'b', 'c', 'd', 'e', 'f', 'g'})"
    first, second = (run_function(source, "f", [[]]).results for _ in range(2))
    assert first == second


def test_the_child_sees_none_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens and paths of the user stay outside; home is the private folder, which is gone afterwards."""
    monkeypatch.setenv("HF_TOKEN", "secret")
    (result,) = run_function("import os\ndef f(): return [dict(os.environ), os.getcwd()]", "f", [[]]).results
    environment, folder = result.value
    assert "secret" not in environment.values()
    assert Path(environment["HOME"]).resolve() == Path(folder).resolve()
    assert not Path(folder).exists()
