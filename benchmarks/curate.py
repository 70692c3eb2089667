"""Read, validate, filter and write 200 MB of chats: beside the ceilings of decoding, and beside a plain json loop.

    python benchmarks/curate.py [MEGABYTES [PYTHON]]

PYTHON is one that has orjson, which Punie does without. The goal is a share of `orjson.loads` in the same run.

Every line is the best of three fresh processes; the rate is megabytes (10^6 bytes) per second of user and system time.
The job keeps chats with three messages or more, without another script and without a Python 2 print. The loop writes
rows and nothing else. Punie also checks every row and keeps the ledger; the line "filter" adds the SHA-256 of what was
read and of what was written. Imports are not in these rates. They are in the CPU time of one and of two processes.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

RUNS = 3
REPEATS = 5
FOLDER = Path(tempfile.gettempdir()) / "punie-benchmark"
WORDS = (
    "the list function returns value when of a row and it is read from file then sorted by name with care so that no "
    "number gets lost between two steps which makes testing simple while every caller sees same order"
).split()
FOREIGN = "Напиши функцию которая читает строки из файла и возвращает самое большое число".split()
CODE = (
    "```python\ndef step_{0}(rows):\n    total = 0\n    for row in rows:\n        total += row['{1}'] * {0}\n"
    "    print{2}\n    return total\n```"
)

CEILINGS = {
    "lines only": ("", "for line in open(path, 'rb'): pass"),
    "json.loads": ("import json", "for line in open(path, 'rb'): json.loads(line)"),
    "msgspec, untyped": (
        "import msgspec\ndecode = msgspec.json.Decoder().decode",
        "for line in open(path, 'rb'): decode(line)",
    ),
    "msgspec, our rows": (
        "import msgspec\nfrom punie.data.rows import Row\ndecode = msgspec.json.Decoder(Row).decode",
        "for line in open(path, 'rb'): decode(line)",
    ),
}
ORJSON = ("import orjson", "for line in open(path, 'rb'): orjson.loads(line)")
LOOP = (
    "import json, re",
    """
old = re.compile(r"^\\s*print\\s+[\\x22']", re.M)
roles = {"system", "user", "assistant", "tool"}
rows = 0
with open(path, encoding="utf-8", newline="\\n") as lines, open(out + ".jsonl", "w", encoding="utf-8") as kept:
    for line in lines:
        row = json.loads(line)
        messages = row["messages"]
        if len(messages) < 3 or not all(m["role"] in roles and isinstance(m["content"], str) for m in messages):
            continue
        if any(len(m["content"].encode()) > 1.1 * len(m["content"]) or old.search(m["content"]) for m in messages):
            continue
        kept.write(json.dumps(row, ensure_ascii=False) + "\\n")
        rows += 1
""",
)
SCREEN = (
    """
import re
from pathlib import Path
from punie.data.choose.engine import screen
from punie.data.choose.rules import Reason, Rule, make_rule
from punie.data.choose.shards import whole
old, gate = re.compile(r"^\\s*print\\s+[\\x22']", re.M).search, re.compile(rb"print[^(]").search
def prints(row, raw):
    found = gate(raw) and any(old(turn.content) for turn in row.messages)
    return Reason("print statement", 3) if found else None
rules = [make_rule("min_messages", 3), make_rule("script", "latin"), Rule("print", 3, prints)]
""",
    """
with open(out + ".jsonl", "wb") as kept, open(out + ".removed", "wb") as ledger:
    rows = screen(whole(Path(path)), rules, lambda: kept, lambda: ledger).kept
""",
)
FILTER = (
    """
import shutil
from pathlib import Path
from punie.data.choose.curate import filter_
from punie.data.choose.rules import make_rules
shutil.rmtree(out, ignore_errors=True)
rules = make_rules({rules})
""",
    "rows = filter_(Path(path), Path(out), rules, processes={processes}).kept",
)
STATS_SETUP = """
from pathlib import Path
from punie.data.look.stats import TokenSettings, stats
from punie.workspace import resolve_model
"""
STATS = {
    "punie, stats": (STATS_SETUP, "rows = stats(Path(path)).rows"),
    "punie, stats --model tiny": (STATS_SETUP, "rows = stats(Path(path), TokenSettings(resolve_model('tiny'))).rows"),
}
CHEAP = [("min_messages", 3), ("script", "latin")]
SINGLE: dict[str, list[tuple[str, object]]] = {
    "--min-chars 1": [("min_chars", 1)],
    "--script latin": [("script", "latin")],
    "--secrets": [("secrets", True)],
    "--python 3": [("python", 3)],
    "--category code": [("category", ["code"])],
    "--require-code-parses": [("require_code_parses", True)],
    "--language en": [("language", "en")],
}


@dataclass(frozen=True, slots=True)
class Result:
    """CPU seconds of the job and of the whole process with its children, peak memory in MB, and rows kept."""

    rate: float
    job: float
    all: float
    memory: float
    rows: int


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    FOLDER.mkdir(exist_ok=True)
    path, small = written(size), written(max(1, size // 10))
    ceilings = {name: measured(path, *code) for name, code in CEILINGS.items()}
    if len(sys.argv) > 2:
        ceilings["orjson.loads"] = measured(path, *ORJSON, python=sys.argv[2])
    loop, screen = measured(path, *LOOP), measured(path, *SCREEN)
    assert loop.rows == screen.rows, "the loop and Punie kept different rows"
    one, two = (measured(path, *filtering(CHEAP, processes)) for processes in (1, 2))
    large = repeated(path)
    large_one, large_two = (measured(large, *filtering(CHEAP, processes)) for processes in (1, 2))
    large.unlink()
    jobs = {"plain json loop": loop, "punie, the job": screen, "punie, filter": one}
    rules = {f"punie, {name}": measured(small, *filtering(given, 1)) for name, given in SINGLE.items()}
    rules |= {name: measured(small, *code) for name, code in STATS.items()}
    show({**ceilings, **jobs, **rules}, ("msgspec, our rows", "orjson.loads"))
    for megabytes, alone, both in ((size, one, two), (REPEATS * size, large_one, large_two)):
        more = 100 * (both.all / alone.all - 1)
        print(f"{megabytes} MB: one process {alone.all:.2f} CPU-s, two processes {both.all:.2f} ({more:+.0f} %)")
    jobs |= {"2 processes": two, "1 process, large": large_one, "2 processes, large": large_two}
    print(json.dumps({name: asdict(result) for name, result in {**ceilings, **jobs, **rules}.items()}))


def filtering(rules: list[tuple[str, object]], processes: int) -> tuple[str, str]:
    setup, job = FILTER
    return setup.format(rules=rules), job.format(processes=processes)


def written(megabytes: int) -> Path:
    path = FOLDER / f"chats-{megabytes}.jsonl"
    if not path.exists():
        draft = path.with_suffix(".draft")
        with draft.open("wb") as out:
            done = 0
            for row in chats(random.Random(7)):
                done += out.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
                if done >= megabytes * 1_000_000:
                    break
        draft.replace(path)
    return path


def repeated(path: Path) -> Path:
    large = path.with_suffix(".large.jsonl")
    with large.open("wb") as out:
        for _ in range(REPEATS):
            with path.open("rb") as rows:
                shutil.copyfileobj(rows, out, 1 << 20)
    return large


def chats(draw: random.Random) -> Iterator[dict[str, object]]:
    """Two to six messages, code in half of them, 5 % in another script, Python 2 prints in 3 %."""
    number = 0
    while True:
        number += 1
        words = FOREIGN if draw.random() < 0.05 else WORDS
        old = draw.random() < 0.03
        count = draw.choice([2, 2, 3, 4, 4, 5, 6])
        turns = ["system"] * (count % 2) + ["user", "assistant"] * (count // 2)
        messages = [{"role": role, "content": content(draw, words, role, old)} for role in turns]
        yield {"id": f"chat-{number}", "messages": messages, "category": draw.choice(["code", "tools", "talk"])}


def content(draw: random.Random, words: list[str], role: str, old: bool) -> str:
    said = " ".join(draw.choices(words, k=draw.randint(20, 110))) + "."
    if role != "assistant" or (draw.random() < 0.5 and not old):
        return said
    shown = ' "total", total' if old else '("total", total)'
    return f"{said}\n\n{CODE.format(draw.randint(1, 999), draw.choice(WORDS), shown)}\n\n{said}"


def measured(path: Path, setup: str, job: str, python: str = sys.executable) -> Result:
    """The best of several runs, figure by figure."""
    runs = [child(path, setup, job, python) for _ in range(RUNS)]
    seconds = min(run["job"] for run in runs)
    memory = min(run["memory"] for run in runs) * (1 if sys.platform == "darwin" else 1024) / 1e6
    rate = path.stat().st_size / 1e6 / seconds
    return Result(round(rate, 1), seconds, min(run["all"] for run in runs), round(memory, 1), int(runs[0]["rows"]))


def child(path: Path, setup: str, job: str, python: str) -> dict[str, float]:
    code = f"""
import json, os, resource
def used():
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both), max(one.ru_maxrss for one in both)
path, out, rows = {str(path)!r}, {str(FOLDER / "out")!r}, 0
for name in (out + ".jsonl", out + ".removed"):
    if os.path.exists(name):
        os.remove(name)  # Emptying the output of the run before is not part of the job.
{setup}
begun, _ = used()
{job}
ended, memory = used()
print(json.dumps({{"job": ended - begun, "all": ended, "memory": memory, "rows": rows}}))
"""
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def show(results: dict[str, Result], ceilings: tuple[str, ...]) -> None:
    for name, result in results.items():
        shares = [f"{100 * result.rate / results[one].rate:4.0f} % of {one}" for one in ceilings if one in results]
        print(f"{name:<30} {result.rate:6.0f} MB/CPU-s {result.job:6.2f} s {result.memory:5.0f} MB", *shares)


if __name__ == "__main__":
    main()
