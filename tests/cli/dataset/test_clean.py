"""`punie dataset dedup`, `split` and `decontaminate` as commands."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

Punie = Callable[..., Any]

TASK = "Write a function to merge two sorted linked lists of whole numbers into one sorted list of nodes."


def write(name: str, prompts: Sequence[str]) -> str:
    rows = [{"prompt": prompt, "completion": "yes", "category": "c"} for prompt in prompts]
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return name


def test_dedup_says_what_went(punie: Punie) -> None:
    """Rows by split, rule and source, for people and as one JSON document."""
    source = write("a.jsonl", [f"question {number}" for number in range(9)] + ["question 1"])
    ended = punie("dataset", "dedup", source, "--output", "b")
    assert (ended.code, ended.err) == (0, "")
    assert "removed: duplicate" in ended.out
    told = json.loads(punie("dataset", "dedup", source, "--output", "c", "--exact-only", "--json").out)
    assert told["dataset"]["removed"] == {"duplicate": 1}
    assert told["sources"] == {"a.jsonl": {"rows": 10, "removed": 1}}


def test_dedup_stops_above_the_allowed_share(punie: Punie) -> None:
    """Exit code 3, the option that allows it is named, and it does."""
    source = write("a.jsonl", ["same"] * 4)
    ended = punie("dataset", "dedup", source, "--output", "b")
    assert (ended.code, ended.out) == (3, "")
    assert "--allow-share 76" in ended.err
    assert os.listdir() == ["a.jsonl"]
    assert punie("dataset", "dedup", source, "--output", "b", "--allow-share", 76).code == 0


def test_split_says_how_alike_its_sides_are(punie: Punie) -> None:
    """Rows by split, clusters by stratum, and the likeness of train and test."""
    source = write("a.jsonl", [f"question {number}" for number in range(60)])
    ended = punie("dataset", "split", source, "--output", "b", "--test", 20)
    assert ended.code == 0
    assert "0 between train and test" in ended.out
    told = json.loads(punie("dataset", "split", source, "--output", "c", "--test", 20, "--json").out)
    assert told["train_to_test"]["pairs_above"] == 0
    assert sum(told["strata"]["c"].values()) == told["clusters"]["count"] == 60
    assert Path("b/test.jsonl").read_bytes() == Path("c/test.jsonl").read_bytes()


def test_decontaminate_names_the_task(punie: Punie) -> None:
    """Hits by source, benchmark and rule, and what of each benchmark could be looked for."""
    source = write("a.jsonl", ["fine", TASK])
    Path("exam.jsonl").write_text(json.dumps({"task_id": 5, "text": TASK}) + "\n")
    arguments = ("dataset", "decontaminate", source, "--against", "exam.jsonl", "--against", "tiny")
    ended = punie(*arguments, "--output", "b")
    assert (ended.code, ended.err) == (0, "")
    told = json.loads(punie(*arguments, "--output", "c", "--json").out)
    assert told["removed"] == [{"source": "a.jsonl", "benchmark": "exam", "rule": "prompt", "rows": 1}]
    assert told["benchmarks"]["exam"] == {"items": 1, "short_prompts": 0, "short_solutions": 1, "untestable": 0}
    assert told["benchmarks"]["tiny"]["items"] == 400
    assert json.loads(Path("b/removed.jsonl").read_text())["value"]["item"] == "exam/5"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["dedup", "nowhere", "--output", "b"], 2, "no such dataset"),
        (["dedup", "a.jsonl", "--output", "b", "--threshold", "2"], 2, "--threshold"),
        (["dedup", "a.jsonl"], 2, "--output"),
        (["dedup", "broken.jsonl", "--output", "b"], 3, "broken.jsonl:1"),
        (["dedup", "empty.jsonl", "--output", "b"], 3, "Nothing is left"),
        (["split", "a.jsonl", "--output", "b", "--test", "60", "--valid", "60"], 2, "leave nothing"),
        (["split", "empty.jsonl", "--output", "b"], 3, "Nothing is left"),
        (["decontaminate", "a.jsonl", "--output", "b"], 2, "--against"),
        (["decontaminate", "a.jsonl", "--output", "b", "--against", "nosuch"], 2, "no suite called"),
        (["decontaminate", "a.jsonl", "--output", "b", "--against", "broken.jsonl"], 3, "no task"),
        (["decontaminate", "empty.jsonl", "--output", "b", "--against", "tiny"], 3, "Nothing is left"),
        (["decontaminate", "a.jsonl", "--output", "a.jsonl", "--against", "tiny"], 2, "in use"),
    ],
)
def test_wrong_input_is_one_clear_error(punie: Punie, arguments: list[str], code: int, says: str) -> None:
    """Each mistake ends with its exit code and a sentence that names it, and writes nothing."""
    write("a.jsonl", ["hi"])
    Path("broken.jsonl").write_text('{"prompt": 1}\n')
    Path("empty.jsonl").write_text("")
    before = sorted(os.listdir())
    ended = punie("dataset", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert says in ended.err
    assert sorted(os.listdir()) == before
