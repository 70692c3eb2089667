"""How long `punie --help` takes beside a bare Python: the best of several runs, in milliseconds."""

from __future__ import annotations

import json
import subprocess
import sys
import time

RUNS = 15
COMMANDS = {"python": ["-c", "pass"], "import typer": ["-c", "import typer"], "punie --help": ["-m", "punie", "--help"]}


def main() -> None:
    best = {name: measure([sys.executable, *arguments]) for name, arguments in COMMANDS.items()}
    for name, milliseconds in best.items():
        print(f"{name:<14} {milliseconds:6.0f} ms")
    print(json.dumps({"runs": RUNS, "milliseconds": {name: round(value, 1) for name, value in best.items()}}))


def measure(command: list[str]) -> float:
    """The fastest run: the one that other processes disturbed least."""
    return min(timed(command) for _ in range(RUNS))


def timed(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - start) * 1000


if __name__ == "__main__":
    main()
