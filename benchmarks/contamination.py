"""Tasks of HumanEval planted in chats: Punie's five rules with evidence, beside the 8-gram rule in Python.

Looked for are the tasks of HumanEval and of MBPP's second half, 628 in all. The chats are documentation strings and
code of the standard library, half of each. The peer drops a row for any shared run of eight words, as s1 and open-r1
do, and keeps no evidence. The public rows are needed: give their folder.
"""

from __future__ import annotations

import ast
import json
import random
import re
import resource
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from punie.data.compare.contamination import decontaminate
from punie.data.compare.items import Benchmark, Item, read_benchmark
from punie.files import read_jsonl, write_jsonl

SHARED = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "shared/data"
BENCHMARKS = [SHARED / "humaneval/HumanEval.jsonl.gz", SHARED / "mbpp/mbpp_511_974.jsonl"]
MEGABYTES = 80
SEED = 3


def main() -> None:
    if not all(path.is_file() for path in BENCHMARKS):
        print(f"Left out: there is no humaneval/ and mbpp/ in {SHARED}.")
        return
    benchmarks = [read_benchmark(path) for path in BENCHMARKS]
    items = [item for benchmark in benchmarks for item in benchmark.items]
    with tempfile.TemporaryDirectory() as folder:
        path, output = Path(folder) / "chats.jsonl", Path(folder) / "out"
        planted = plant(path, list(benchmarks[0].items))
        megabytes = path.stat().st_size / 1e6
        peer_seconds, peer_found = timed(lambda: eight_grams(path, items))
        own_seconds, own_found = timed(lambda: punie_route(path, output, benchmarks))
    routes = {"any 8-gram, Python": (peer_seconds, peer_found), "punie decontaminate": (own_seconds, own_found)}
    rows = {name: figures(seconds, found, planted, megabytes) for name, (seconds, found) in routes.items()}
    print(f"{megabytes:.0f} MB of chats, {len(items)} tasks, {len(planted)} planted")
    for name, row in rows.items():
        print(
            f"{name:<22} {row['megabytes_per_cpu_second']:6.1f} MB/CPU-s   "
            f"planted rows found {row['recall']:.3f}   other rows dropped {row['others']}"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of both together {peak:.0f} MB")
    print(json.dumps({"megabytes": round(megabytes, 1), "tasks": len(items), "planted": len(planted), "routes": rows}))


def figures(seconds: float, found: set[int], planted: set[int], megabytes: float) -> dict[str, float]:
    return {
        "megabytes_per_cpu_second": round(megabytes / seconds, 1),
        "recall": round(len(found & planted) / len(planted), 4),
        "others": len(found - planted),
    }


def punie_route(path: Path, output: Path, benchmarks: list[Benchmark]) -> set[int]:
    """The whole command: rows read, looked at, written, with a ledger."""
    decontaminate(path, output, against=benchmarks)
    return {row["line"] for _, row in read_jsonl(output / "removed.jsonl")}


def timed(job: Callable[[], set[int]]) -> tuple[float, set[int]]:
    start = time.process_time()
    found = job()
    return time.process_time() - start, found


def plant(path: Path, items: list[Item]) -> set[int]:
    """Write the chats, with each task once in some chat; their line numbers come back."""
    draw = random.Random(SEED)
    chats = list(_chats(draw))
    lines = sorted(draw.sample(range(1, len(chats) + 1), len(items)))
    for line, item in zip(lines, items, strict=True):
        question, answer = chats[line - 1]
        chats[line - 1] = (f"{question}\n{item.prompt}", f"{answer}\n```python\n{item.program}\n```\n")
    rows = (
        [{"role": "user", "content": question}, {"role": "assistant", "content": answer}] for question, answer in chats
    )
    write_jsonl(path, ({"messages": messages} for messages in rows))
    return set(lines)


def _chats(draw: random.Random) -> Iterator[tuple[str, str]]:
    """Code, and prose of the same length before it, until there is enough."""
    prose, code = map(list, zip(*_sources(), strict=True))
    size = 0
    while size < MEGABYTES * 1_000_000:
        answer = f"Here it is.\n```python\n{draw.choice(code)}```\n"
        question = draw.choice(prose)
        while len(question) < len(answer):
            question += "\n\n" + draw.choice(prose)
        size += len(question) + len(answer)
        yield question, answer


def _sources() -> Iterator[tuple[str, str]]:
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        source = path.read_text(encoding="utf-8")
        lines = source.splitlines(keepends=True)
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and (documentation := ast.get_docstring(node)):
                code = "".join(lines[node.lineno - 1 : node.end_lineno])
                if len(code) < 4000:
                    yield documentation, code


def eight_grams(path: Path, items: list[Item]) -> set[int]:
    known = {gram for item in items for gram in _grams(item.prompt)}
    found = set()
    decode = msgspec.json.Decoder().decode
    with path.open("rb") as file:
        for line, raw in enumerate(file, start=1):
            text = "\n".join(message["content"] for message in decode(raw)["messages"])
            if not known.isdisjoint(_grams(text)):
                found.add(line)
    return found


def _grams(text: str) -> Iterator[str]:
    words = re.findall(r"\w+", text.lower())
    return (" ".join(words[place : place + 8]) for place in range(len(words) - 7))


if __name__ == "__main__":
    main()
