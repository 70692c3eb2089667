"""Workers are kept, replaced, and never outlive those who use them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from processes import children_of

from punie.errors import SandboxError
from punie.sandbox.judge import run_function
from punie.sandbox.pool import POOL

pytestmark = pytest.mark.usefixtures("jail")

JUDGE = """
import threading
from punie.sandbox.judge import run_function
source = "import time\\ndef f(): time.sleep(99)"
threading.Thread(target=run_function, args=(source, "f", [[]]), daemon=True).start()
input()
"""

INTERRUPTED = """
import signal
from punie.sandbox.judge import run_function
def worker(): return run_function("import os\\ndef f(): return os.getppid()", "f", [[]]).results[0].value
first = worker()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
print("ready", flush=True)
signal.sigwait({signal.SIGINT})
print(worker() == first)
"""


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def descendants(process: int) -> list[psutil.Process]:
    return psutil.Process(process).children(recursive=True)


def workers() -> list[psutil.Process]:
    return list(children_of("punie.sandbox.worker"))


def test_a_worker_serves_many_candidates() -> None:
    """One worker is enough for one candidate after the other, and closing the pool ends it."""
    POOL.close()
    processes = {run_function("import os\ndef f(): return os.getppid()", "f", [[]]).results[0].value for _ in range(3)}
    assert [worker.pid for worker in workers()] == list(processes)
    POOL.close()
    assert workers() == []


def test_nothing_outlives_a_judge_that_is_killed(tmp_path: Path) -> None:
    """Worker, candidate and its folder go with the process that asked for them, even by SIGKILL."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", JUDGE], stdin=subprocess.PIPE, env=environment) as judge:
        wait_until(lambda: len(descendants(judge.pid)) == 2)
        left = descendants(judge.pid)
        judge.kill()
    wait_until(lambda: not any(process.is_running() for process in left) and not list(tmp_path.iterdir()))


def test_ctrl_c_is_not_for_workers() -> None:
    """A terminal interrupts the whole group of a command; what that still judges has its worker, which says nothing."""
    command, pipe = [sys.executable, "-c", INTERRUPTED], subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as judge:
        assert judge.stdout is not None
        assert judge.stdout.readline() == "ready\n"
        os.killpg(judge.pid, signal.SIGINT)
        assert judge.communicate(timeout=60) == ("True\n", "")


def test_a_lost_worker_is_an_error_and_is_replaced() -> None:
    """A worker that is killed is noticed: the case is no zero, and the next candidate has a new worker."""
    POOL.close()
    run_function("def f(): 0", "f", [[]])
    (worker,) = workers()
    worker.kill()
    worker.wait()
    with pytest.raises(SandboxError, match="ended by itself"):
        run_function("def f(): 0", "f", [[]])
    assert run_function("def f(): return 1", "f", [[]]).results[0].value == 1
