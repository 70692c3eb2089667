"""What a jail costs: one trivial function, judged again and again, beside a bare interpreter that does the same.

    python benchmarks/sandbox.py [--runs N] [--json]

Cold is a new worker for each run; warm is one worker that has served before. Time by the clock is the median of the
runs; processor time is that of all processes together, per run. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from punie.sandbox.jail import probe
from punie.sandbox.judge import Execution, run_function
from punie.sandbox.pool import POOL

SOURCE = "def f(x): return x + 1"


def bare() -> None:
    command = [sys.executable, "-I", "-S", "-c", f"{SOURCE}\nprint(f(1))"]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"2\n"


def judged(execution: Execution, *, cold: bool) -> Callable[[], None]:
    def run() -> None:
        if cold:
            POOL.close()
        (result,) = run_function(SOURCE, "f", [[1]], execution=execution).results
        assert result.value == 2

    return run


def measure(run: Callable[[], None], runs: int) -> dict[str, float]:
    run()
    before, seconds = os.times(), []
    for _ in range(runs):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    # Processor time of a worker counts once it is waited for.
    POOL.close()
    used = sum(os.times()[:4]) - sum(before[:4])
    return {
        "median_ms": 1000 * statistics.median(seconds),
        "worst_ms": 1000 * max(seconds),
        "cpu_ms": 1000 * used / runs,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if reason := probe():
        sys.exit(f"no jail here: {reason}")
    arms = {
        "bare interpreter": bare,
        "jail, cold": judged("jail", cold=True),
        "jail, warm": judged("jail", cold=False),
        "no jail, warm": judged("unsafe child process", cold=False),
    }
    figures = {name: measure(run, asked.runs) for name, run in arms.items()}
    if asked.json:
        print(json.dumps(figures))
        return
    print(f"{'':18}{'median ms':>11}{'worst ms':>10}{'CPU ms':>8}")
    for name, row in figures.items():
        print(f"{name:18}{row['median_ms']:11.1f}{row['worst_ms']:10.1f}{row['cpu_ms']:8.1f}")


if __name__ == "__main__":
    main()
