"""Every `punie dataset` command as a line that works, for promises that hold for all of them."""

from __future__ import annotations

import json
from pathlib import Path

READERS = {
    "validate": "validate IN",
    "validate model": "validate IN --model tiny",
    "stats": "stats IN --model tiny",
    "diff": "diff IN IN",
    "show": "show IN --index 2",
    "show model": "show IN --index 2 --model tiny",
    "map preview": "map IN drop-field note --dry-run 1",
}
WRITERS = {
    "import": "import alpaca FILE --output OUT",
    "filter": "filter IN --min-messages 2 --output OUT",
    "merge": "merge IN OTHER --output OUT",
    "dedup": "dedup IN --output OUT",
    "split": "split IN --output OUT",
    "decontaminate": "decontaminate IN --against BENCH --output OUT",
    "verify": "verify IN --output OUT",
    "map": "map IN drop-field note --output OUT",
    "build": "build RECIPE --output OUT",
}
"""Those that read rows and make a dataset folder. `download` reads none."""

RECIPE = """
name: mine
sources:
  - path: IN
dedup: {}
split: {}
decontaminate:
  against: [BENCH]
"""


def rows(count: int = 24, words: int = 60) -> list[dict[str, object]]:
    """Different rows, each with a solution that passes its test, in two categories; every third has a note."""
    made = []
    for number in range(count):
        prompt = " ".join(f"w{number}x{word}" for word in range(words))
        code = f"def f(x):\n    return x + {number}"
        row = {"id": str(number), "prompt": prompt, "completion": code, "tests": [f"assert f(1) == {number + 1}"]}
        made.append({**row, "category": "ab"[number % 2], **({"note": "n"} if number % 3 == 0 else {})})
    return made


def write_inputs(folder: Path, count: int = 24, words: int = 60) -> None:
    """What the lines name, in a folder: IN, OTHER, FILE, BENCH and RECIPE."""
    made = rows(count + 8, words)
    write_rows(folder / "IN" / "train.jsonl", made[8:])
    write_rows(folder / "IN" / "valid.jsonl", made[4:8])
    write_rows(folder / "OTHER" / "train.jsonl", made[:4])
    write_rows(folder / "FILE", [{"instruction": row["prompt"], "output": row["completion"]} for row in made])
    task = {
        "task_id": "t",
        "prompt": "Count the vowels of a word, however it is written.",
        "canonical_solution": "pass",
    }
    write_rows(folder / "BENCH", [{**task, "test": "assert True", "entry_point": "f"}])
    (folder / "RECIPE").write_text(RECIPE)


def write_rows(path: Path, given: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in given))


def left_behind(folder: Path) -> list[str]:
    """Everything below a folder but the inputs."""
    given = {"IN", "OTHER", "FILE", "BENCH", "RECIPE"}
    return sorted(path.name for path in folder.iterdir() if path.name not in given)
