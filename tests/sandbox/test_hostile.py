"""What code does to get a verdict it has not earned, or more than a verdict; and what comes of it.

The numbers are those of the list of 51 behaviours that sandboxes are measured by. Those that are not here stand where
the part is that deals with them: 3 in test_program, 21 in report/test_html, 38 in evaluation/test_scorers, 49 in
evaluation/test_extraction; 37, 45, 48 and 51 are tests of their own below.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from punie.sandbox.judge import CallResult, Ending, run_function
from punie.sandbox.limits import Limits

CAP = Limits(cpu_seconds=1, wall_seconds=3.0, memory_bytes=256 * 2**20, disk_bytes=4 * 2**20)

pytestmark = pytest.mark.usefixtures("jail", "no_survivors")

R, B, N, X, T = Ending.RAISED, Ending.BLOCKED, Ending.NOT_PLAIN, Ending.ENDED_EARLY, Ending.TIMEOUT
ENDINGS: list[tuple[int, str, str, Ending | tuple[Ending, ...]]] = [
    (1, "equal to everything", "class E:\n  def __eq__(self, o): return True\ndef f(): return E()", N),
    (1, "claims to be an int", "class E:\n  __class__ = int\n  def __eq__(s, o): return True\ndef f(): return E()", R),
    (4, "nonsense as a result", "import os\nos.write(3, b'[[[[\\n')\ndef f(): return 1", Ending.TAMPERED),
    (4, "a verdict as a result", "import os\nos.write(3, b'[\"passed\", true]\\n')\ndef f(): 0", Ending.TAMPERED),
    (
        4,
        "colliding keys",
        "import os\nkeys = [n * (2**61 - 1) for n in range(20_000)]\n"
        'os.write(3, b\'["returned", {"set": %s}]\\n\' % str(keys).encode())\ndef f(): 0',
        Ending.TAMPERED,
    ),
    (
        4,
        "a set of lists",
        'import os\nos.write(3, b\'["returned", {"set": [{"list": []}]}]\\n\')\ndef f(): 0',
        Ending.TAMPERED,
    ),
    (4, "the descriptor of the jail", "import os\ndef f(): os.write(4, b'jailed')", R),
    (5, "exit at import", "import sys\nsys.exit(0)", X),
    (6, "exit in the call", "def f(): exit(0)\nfrom sys import exit", X),
    (7, "exit past python", "import os\ndef f(): os._exit(0)", X),
    (7, "SIGKILL to itself", "import os\ndef f(): os.kill(os.getpid(), 9)", X),
    (7, "a signal without a name", "import os\ndef f(): os.kill(os.getpid(), 40)", X),
    (7, "closes its results", "import os, time\ndef f(): os.close(3); time.sleep(99)", X),
    (
        8,
        "an error that cannot be shown",
        "class E(Exception):\n  def __str__(s): raise SystemExit\ndef f(): raise E",
        R,
    ),
    (8, "SystemExit", "def f(): raise SystemExit", X),
    (8, "KeyboardInterrupt", "def f(): raise KeyboardInterrupt", R),
    (8, "GeneratorExit", "def f(): raise GeneratorExit", R),
    (8, "its own BaseException", "class E(BaseException): ...\ndef f(): raise E", R),
    (9, "endless loop", "def f():\n  while True: pass", T),
    (10, "swallows exceptions", "def f():\n  while True:\n    try:\n      while True: pass\n    except: pass", T),
    (11, "ignores signals", "import signal\nfor s in 14, 15, 24: signal.signal(s, 1)\ndef f():\n  while True: 0", T),
    (12, "sleeps", "import time\ndef f(): time.sleep(99)", T),
    (14, "fork bomb", "import os\ndef f():\n  while True: os.fork()", B),
    (15, "double fork", "import os\ndef f():\n  if not os.fork():\n    os.setsid(); os.fork()", B),
    (16, "memory", "def f():\n  y = []\n  while True: y.append(bytearray(10**7))", Ending.MEMORY),
    (17, "huge power", "def f(): return 3 ** 3 ** 20", T),
    (17, "regex", "import re\ndef f(): return re.match('(a*)*b', 'a' * 40)", T),
    (18, "recursion", "def f(): return f()", R),
    (18, "C stack", "import sys\nsys.setrecursionlimit(10**9)\nf = lambda *a: max([1], key=f)", (X, R, Ending.MEMORY)),
    (18, "segfault", "import ctypes\ndef f(): ctypes.string_at(0)", X),
    (19, "flood", "def f():\n  while True: print('x' * 9999)", Ending.OUTPUT),
    (20, "flood of bytes", "import os\ndef f():\n  while True: os.write(2, b'\\xff\\x1b' * 999)", Ending.OUTPUT),
    (22, "input", "def f(): return input()", R),
    (23, "writes outside", "def f(): open(OUTSIDE, 'w')", B),
    (24, "deletes the interpreter", "import os\ndef f(): os.unlink(os.__file__)", B),
    (24, "renames its folder", "import os\ndef f(): os.rename(os.getcwd(), OUTSIDE)", B),
    (25, "symbolic link", "import os\ndef f(): os.symlink('/etc', 'etc')", B),
    (25, "hard link", "import os\ndef f(): os.link(os.__file__, 'os')", B),
    (26, "home", "import os\ndef f(): os.listdir(os.path.dirname(OUTSIDE))", B),
    (26, "passwords", "def f(): return open('/etc/passwd').read()", B),
    (27, "processes", "import os\ndef f(): return os.listdir('/proc')", B),
    (27, "the parent's arguments", "import os\ndef f(): return open(f'/proc/{os.getppid()}/cmdline').read()", B),
    (28, "TCP", "import socket\ndef f(): socket.create_connection(('127.0.0.1', 80))", B),
    (28, "UDP", "import socket\ndef f(): socket.socket(2, 2)", B),
    (28, "Unix socket", "import socket\ndef f(): socket.socket(1)", B),
    (28, "DNS", "import socket\ndef f(): socket.getaddrinfo('example.com', 80)", R),
    (29, "subprocess", "import subprocess\ndef f(): subprocess.run(['true'])", B),
    (
        29,
        "posix after a reload",
        "import importlib, os\ndef f(): importlib.reload(os).posix_spawn('/bin/true', ['x'], {})",
        B,
    ),
    (30, "exec", "import os\ndef f(): os.execv('/bin/true', ['true'])", B),
    (30, "exec of its own file", "import os\ndef f():\n  open('x', 'w').write('#!/bin/sh')\n  os.execv('x', ['x'])", B),
    (32, "pip", "import pip\ndef f(): 0", R),
    (32, "import from a URL", "from urllib.request import urlopen\ndef f(): urlopen('http://127.0.0.1/')", R),
    (32, "a .pth file", "import os\ndef f(): open(os.path.dirname(os.__file__) + '/x.pth', 'w')", B),
    (34, "replaces json", "import json\njson.dumps = lambda *a: 'passed'\ndef f(): return 1", Ending.TAMPERED),
    (34, "replaces builtins", "import builtins\nbuiltins.isinstance = lambda *a: True\ndef f(): return 1", (X, R)),
    (35, "another name", "def g(): 0", Ending.MISSING),
    (35, "a name that is no function", "f = 1", Ending.MISSING),
    (35, "deletes its function", "def f(): 0\ndel f", Ending.MISSING),
    (40, "generator", "def f():\n  while True: yield 1", N),
    (40, "endless iterator", "import itertools\ndef f(): return itertools.count()", N),
    (
        40,
        "a lazy list",
        "class L(list):\n  def __iter__(self):\n    while True: yield 1\ndef f(): return [L(), object()]",
        N,
    ),
    (42, "500 MB", "def f(): return 'x' * 500_000_000", Ending.MEMORY),
    (42, "20 MB", "def f(): return 'x' * 20_000_000", N),
    (42, "a list of itself", "def f():\n  x = []\n  x.append(x)\n  return x", N),
    (42, "nested", "def f():\n  x = []\n  for _ in range(99_999): x = [x]\n  return x", N),
    (43, "pickle", "class P:\n  def __reduce__(self): return print, ('passed',)\ndef f(): return P()", N),
    (46, "many small files", "def f():\n  n = 0\n  while True: n += 1; open(str(n), 'w').close()", Ending.DISK),
    (
        46,
        "hidden files",
        "import os\ndef f():\n  os.mkdir('d')\n  while True: open('d/' + os.urandom(9).hex(), 'w')",
        Ending.DISK,
    ),
    (46, "a deep tree", "import os\ndef f():\n  while True: os.mkdir('d'); os.chdir('d')", Ending.DISK),
    (46, "many open files", "def f(): return [open('/dev/null') for _ in range(99)]", R),
    (46, "a large file", "def f(): open('x', 'wb').write(bytes(10**7))", R),
    (47, "signals its parent", "import os\ndef f(): os.kill(os.getppid(), 9)", B),
    (47, "signals everybody", "import os\ndef f(): os.kill(-1, 9)", B),
    (47, "signals by owner", "import fcntl, os\ndef f(): fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())", B),
    (50, "a null byte", "def f(): 0\0", Ending.NOT_COMPILED),
    (50, "a syntax of no Python", "def f() return 1", Ending.NOT_COMPILED),
]


@pytest.mark.parametrize(("number", "name", "source", "expected"), ENDINGS, ids=[f"{n} {w}" for n, w, *_ in ENDINGS])
def test_hostile_code_ends_as_it_should(
    tmp_path: Path, number: int, name: str, source: str, expected: Ending | tuple[Ending, ...]
) -> None:
    """No behaviour is a result, each has its own ending within cap + 1 s, and nothing is written or left anywhere."""
    outside = tmp_path / "outside"
    began = time.monotonic()
    (result,) = run_function(f"OUTSIDE = {str(outside)!r}\n{source}", "f", [[]], CAP).results
    assert time.monotonic() - began < CAP.wall_seconds + 1.0
    assert result.ending in (expected if isinstance(expected, tuple) else (expected,)), (number, name, result)
    assert not outside.exists()


ENVIRONMENT = {"HOME", "LC_CTYPE", "PATH", "PYTHONHASHSEED", "TMPDIR"}
VALUES: list[tuple[int, str, str, object]] = [
    (
        2,
        "int subclass",
        "class I(int):\n  __eq__ = lambda *a: True\n  __hash__ = int.__hash__\ndef f(): return I(3)",
        3,
    ),
    (
        2,
        "str subclass",
        "class S(str):\n  __str__ = lambda s: 'passed'\n  __len__ = lambda s: 9\ndef f(): return S('a')",
        "a",
    ),
    (2, "list subclass", "class L(list):\n  __iter__ = lambda s: iter('passed')\ndef f(): return L([1])", [1]),
    (13, "thread", "import threading, time\ndef f(): threading.Thread(target=time.sleep, args=[99]).start()", None),
    (19, "much output", "def f():\n  print('x' * 500_000)\n  return 1", 1),
    (
        24,
        "empties its folder",
        "import os, shutil\ndef f():\n  open('x', 'w')\n  os.unlink('x')\n  return os.listdir()",
        [],
    ),
    (26, "environment", f"import os\ndef f(): return sorted(set(os.environ) - {ENVIRONMENT})", []),
    (27, "ptrace", "import ctypes, os\ndef f(): return ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0)", -1),
    (
        27,
        "memory of the parent",
        "import ctypes\ndef f(): return ctypes.CDLL(None).process_vm_readv(1, 0, 0, 0, 0, 0)",
        -1,
    ),
    (29, "os.system", "import os\ndef f(): return os.system('true') == 0", False),
    (31, "fork through ctypes", "import ctypes\ndef f(): return ctypes.CDLL(None).fork()", -1),
    (31, "socket through ctypes", "import ctypes\ndef f(): return ctypes.CDLL(None).socket(2, 1, 0)", -1),
    (31, "new namespaces", "import ctypes\ndef f(): return ctypes.CDLL(None).unshare(0x10000000)", -1),
    (31, "executable memory", "import mmap\ndef f(): return len(mmap.mmap(-1, 99, prot=7))", 99),
    (
        33,
        "a file named json.py",
        "open('json.py', 'w').write('passed')\ndef f():\n  import json\n  return json.dumps(1)",
        "1",
    ),
    (35, "calls itself check", "def check(f): return True\nf = check\ndef f(): return 2", 2),
    (39, "arguments", "import sys\ndef f(): return sys.argv", [""]),
    (
        39,
        "descriptors",
        "import os\ndef f(): return [n for n in range(99) if os.path.exists(f'/dev/fd/{n}')]",
        [0, 1, 2, 3],
    ),
    (
        41,
        "infinity, minus zero, half a character",
        "def f(): return [-1e999, -0.0, 1 - 2j, '\\ud800']",
        [-1e999, -0.0, 1 - 2j, "\ud800"],
    ),
    (
        44,
        "exit handlers",
        "import atexit\natexit.register(print, 'passed')\nclass D:\n  def __del__(s): print(1)\ndef f(): D()",
        None,
    ),
    (0, "asyncio works", "import asyncio\ndef f(): return asyncio.run(asyncio.sleep(0, 7))", 7),
    (
        0,
        "threads work",
        "from concurrent.futures import ThreadPoolExecutor as E\ndef f(): return list(E(4).map(abs, [-1, 2]))",
        [1, 2],
    ),
    (0, "time zones work", "from zoneinfo import ZoneInfo\ndef f(): return ZoneInfo('UTC').key", "UTC"),
    (
        0,
        "the usual library works",
        "import sqlite3, hashlib, decimal, tempfile, uuid, csv\ndef f(): return tempfile.mkstemp()[0] > 2",
        True,
    ),
]


@pytest.mark.parametrize(("number", "name", "source", "value"), VALUES, ids=[f"{n} {w}" for n, w, *_ in VALUES])
def test_hostile_code_gets_nothing_but_its_own_result(number: int, name: str, source: str, value: object) -> None:
    """What returns, returns plain data of exact types; what it tried on the way had no effect."""
    (result,) = run_function(source, "f", [[]], CAP).results
    assert (result.ending, result.value) == (Ending.RETURNED, value), (number, name, result)
    assert type(result.value) is type(value)


def test_arguments_are_fresh_and_state_is_shared_within_a_case() -> None:
    """36, 37: each call has its own copy of its arguments; a counter is seen by the next call of the same case."""
    results = run_function("n = [0]\ndef f(x):\n  n[0] += 1; x.append(n[0]); return x", "f", [[[]], [[]]]).results
    assert [result.value for result in results] == [[1], [2]]


def test_the_next_candidate_starts_clean() -> None:
    """45: what one does to its interpreter, its process and its folder is not there for the next."""
    spoil = """
import builtins, os, random, resource, time
os.umask(0o777); random.seed(1); os.environ["X"] = "1"
open("left", "w").close(); builtins.len = None; time.time = lambda: 0
def f(): return os.getcwd()
"""
    look = """
import os, time
def f(): return [os.umask(0) == 0o777, "X" in os.environ, os.listdir(), len([]), time.time() > 1, os.getcwd()]
"""
    (first,), (second,) = (run_function(source, "f", [[]]).results for source in (spoil, look))
    assert second.value[:5] == [False, False, [], 0, True]
    assert second.value[5] != first.value
    assert not Path(first.value).exists()


def test_a_folder_nobody_may_enter_is_removed() -> None:
    """24, 46: whatever rights a candidate takes from its folders, nothing of them stays."""
    source = "import os\ndef f():\n  os.makedirs('a/b'); os.umask(0o777); os.makedirs('a/c'); return os.getcwd()"
    (result,) = run_function(source, "f", [[]]).results
    assert not Path(result.value).exists()


def test_slow_but_right_code_passes_on_a_loaded_machine() -> None:
    """48: with other work on every processor, half a second of processor time is no timeout of one second."""
    source = "from time import process_time as t\ndef f():\n  while t() < 0.5: pass\n  return 1"
    spin = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(spin) for _ in range(os.cpu_count() or 1)]
    try:
        (result,) = run_function(source, "f", [[]], Limits(cpu_seconds=1, wall_seconds=20.0)).results
    finally:
        for other in others:
            other.kill()
            other.wait()
    assert result == CallResult(Ending.RETURNED, 1)


def test_details_name_the_cause() -> None:
    """7, 18, 50: an early end has its signal or exit code, and a syntax error the version that refused it."""
    sources = {
        "signal 11 (SIGSEGV)": "import ctypes\ndef f(): ctypes.string_at(0)",
        "exit code 3": "import os\nos._exit(3)",
        f"under Python {sys.version_info.major}.{sys.version_info.minor}": "def f() return",
    }
    for detail, source in sources.items():
        assert detail in run_function(source, "f", [[]]).results[0].detail


LACKING = """
import ctypes, json, sys
from punie.sandbox import seccomp
from punie.sandbox.jail import choose_execution
from punie.errors import SandboxError

libc = ctypes.CDLL(None)
number, action = int(sys.argv[1]), int(sys.argv[2])
code = seccomp.assemble([(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, action), (0x06, 0, 0, 0x7FFF0000)])
program = seccomp._Program(len(code) // 8, code)
assert libc.prctl(38, 1, 0, 0, 0) == libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0
try:
    choose_execution(unsafe=False)
except SandboxError as error:
    ours = choose_execution(unsafe=False, ours=True)
    print(json.dumps([str(error), error.exit_code, choose_execution(unsafe=True), ours]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the calls that are taken away are Linux's")
@pytest.mark.parametrize(
    ("number", "error", "says"),
    [(444, 38, "this system lacks Landlock"), (445, 1, "Landlock: Operation not permitted"), (446, 1, "Landlock")],
)
def test_without_a_jail_everything_is_refused(number: int, error: int, says: str) -> None:
    """51: where the kernel has no Landlock, or refuses a part of it, nothing runs unless unsafe is asked for."""
    command = [sys.executable, "-c", LACKING, str(number), str(0x50000 | error)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    text, code, asked, ours = json.loads(ended.stdout)
    assert says in text
    assert "--unsafe-no-sandbox" in text
    assert (code, asked, ours) == (4, "unsafe child process", "unsafe child process")


STRAYS = """
import os, time
def f():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(99)
        os._exit(0)
    return 1
"""


@pytest.mark.skipif(sys.platform != "linux", reason="macOS has no subreaper: what leaves its group is on its own there")
def test_without_a_jail_strays_end_too() -> None:
    """15: a grandchild in a session of its own is found and killed; the fixture counts what is left."""
    (result,) = run_function(STRAYS, "f", [[]], execution="unsafe child process").results
    assert result.value == 1
