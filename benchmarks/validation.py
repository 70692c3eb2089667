"""Validation of a chat file beside what only reads it: MB per CPU-second, the best of several runs, side by side.

    python benchmarks/validation.py [MEGABYTES]

The rows are made here, the same in every run: two to six messages, code in half of them. In the second file every row
also has an id, a category and tool calls now and then; in the third every hundredth row has a defect.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from punie.cli.console import print_table
from punie.data.check.validation import validate
from punie.data.rows import Row

RUNS = 3
CALL = {"type": "function", "function": {"name": "read_file", "arguments": {"path": "a.py", "lines": [1, 20]}}}


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory() as scratch:
        files = {kind: write(Path(scratch) / f"{kind}.jsonl", size, kind) for kind in ("plain", "fields", "faulty")}
        jobs: dict[str, tuple[Callable[[Path], object], Path]] = {
            "json.loads": (read_json, files["plain"]),
            "msgspec typed decode": (read_typed, files["plain"]),
            "validate": (validate, files["plain"]),
            "validate, ids and calls": (validate, files["fields"]),
            "validate, 1 % defects": (validate, files["faulty"]),
        }
        speeds = dict.fromkeys(jobs, 0.0)
        for _ in range(RUNS):
            for name, (job, path) in jobs.items():
                speeds[name] = max(speeds[name], path.stat().st_size / 1e6 / cpu_seconds(job, path))
    ceiling = speeds["msgspec typed decode"]
    rows = [(name, f"{speed:.0f}", f"{speed / ceiling:.2f}") for name, speed in speeds.items()]
    print_table(["job", "MB/CPU-s", "of ceiling"], rows)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    speeds = {name: round(speed) for name, speed in speeds.items()}
    print(json.dumps({"megabytes": size, "mb_per_cpu_second": speeds, "peak_mb": round(peak)}))


def cpu_seconds(job: Callable[[Path], object], path: Path) -> float:
    began = time.process_time()
    job(path)
    return time.process_time() - began


def read_json(path: Path) -> None:
    with path.open("rb") as lines:
        for line in lines:
            json.loads(line)


def read_typed(path: Path) -> None:
    decode = msgspec.json.Decoder(Row).decode
    with path.open("rb") as lines:
        for line in lines:
            decode(line)


def write(path: Path, megabytes: int, kind: str) -> Path:
    draw = random.Random(0)
    words = ["".join(draw.choices("etaoinshrdlucmfwyp", k=draw.randint(2, 9))) for _ in range(4000)]
    with path.open("wb") as out:
        for number, row in enumerate(rows(draw, words, kind)):
            raw = json.dumps(row, ensure_ascii=False).encode()
            out.write((raw[:-9] if kind == "faulty" and number % 100 == 99 else raw) + b"\n")
            if out.tell() > megabytes * 1e6:
                return path
    raise AssertionError("rows never end")


def rows(draw: random.Random, words: list[str], kind: str) -> Iterator[dict[str, object]]:
    number = 0
    while True:
        turns = draw.choice([2, 4, 4, 6])
        row: dict[str, object] = {"messages": [message(draw, words, turn) for turn in range(turns)]}
        if kind == "fields":
            row |= {"id": f"row-{number}", "category": draw.choice(words), "metadata": {"licence": "MIT", "n": number}}
            if number % 4 == 0:
                answer = {"role": "assistant", "content": "", "tool_calls": [CALL]}
                row["messages"] = [
                    message(draw, words, 0),
                    answer,
                    {"role": "tool", "content": "x"},
                    message(draw, words, 1),
                ]
        yield row
        number += 1


def message(draw: random.Random, words: list[str], turn: int) -> dict[str, str]:
    prose = " ".join(draw.choices(words, k=draw.randint(20, 110)))
    if draw.random() < 0.5:
        lines = (f'    {draw.choice(words)} = load("{draw.choice(words)}", {draw.randint(0, 99)})' for _ in range(9))
        prose += "\n```python\n" + "\n".join(lines) + "\n```\n"
    return {"role": "assistant" if turn % 2 else "user", "content": prose + draw.choice(["", "é", ""])}


if __name__ == "__main__":
    main()
