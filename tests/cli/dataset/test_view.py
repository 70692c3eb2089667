"""`punie dataset stats`, `diff` and `show`: what people see, what programs read, and every exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Punie = Callable[..., Any]

TOOL = {"type": "function", "function": {"name": "find", "parameters": {}}}
CALL = {"type": "function", "function": {"name": "find", "arguments": {"what": "a\x1b[31mb"}}}
ROWS = [
    {
        "id": "a",
        "messages": [
            {"role": "human", "content": "Find it."},
            {"role": "assistant", "content": "So:", "tool_calls": [CALL]},
        ],
        "tools": [TOOL],
        "category": "tools",
    },
    {
        "id": 7,
        "messages": [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}],
        "category": "talk",
    },
]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))
    return path


def test_stats_counts_and_draws(punie: Punie, rows: Path, tiny_model: Path) -> None:
    """Tables for people, one document for programs, and a page where it is asked for."""
    ended = punie("dataset", "stats", rows, "--model", tiny_model, "--html", "page.html")
    assert ended.code == 0
    assert all(word in ended.out for word in ("train", "talk", "find", "tokens", "padding in batches of 4"))
    assert Path("page.html").read_text().startswith("<!doctype html>")
    record = json.loads(punie("dataset", "stats", rows, "--json").out)
    assert (record["rows"], record["tokens"]) == (2, None)
    assert record["counts"]["category"] == {"tools": {"train": 1}, "talk": {"train": 1}}


def test_diff_names_every_change(punie: Punie, rows: Path) -> None:
    """After one row was dropped, one changed and one added."""
    new = [{**ROWS[1], "category": "chat"}, {"text": "new"}, {"text": "newer"}]
    Path("new.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in new))
    ended = punie("dataset", "diff", rows, "new.jsonl")
    assert ended.code == 0
    assert f"removed: {rows}:1" in ended.out
    assert "changed: new.jsonl:1" in ended.out
    found = json.loads(punie("dataset", "diff", rows, "new.jsonl", "--json").out)
    assert (found["same"], found["changed"]["count"], found["added"]["count"], found["removed"]["count"]) == (
        0,
        1,
        2,
        1,
    )
    assert [share["name"] for share in found["categories"]] == ["tools", "talk", "chat", "(none)"]


def test_show_prints_one_row(punie: Punie, rows: Path) -> None:
    """By line or by id; calls as they would be written, control characters made visible."""
    first = punie("dataset", "show", rows)
    assert first.code == 0
    assert first.out.startswith(f"{rows}:1\n")
    assert all(
        part in first.out for part in ("human\nFind it.", "assistant\nSo:", "assistant calls\nfind(what=", "category")
    )
    assert "\x1b" not in first.out
    by_id, by_line = (punie("dataset", "show", rows, *choice, "--json") for choice in (("--id", "7"), ("--index", 2)))
    assert json.loads(by_id.out) == json.loads(by_line.out)
    assert json.loads(by_id.out)["row"] == ROWS[1]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["stats", "nowhere"], 2, "no such dataset"),
        (["stats", "ROWS", "--model", "no/such/model"], 2, "no model called"),
        (["diff", "ROWS", "nowhere"], 2, "no such dataset"),
        (["show", "ROWS", "--index", "3"], 2, "no line 3"),
        (["show", "ROWS", "--id", "b"], 2, "id 'b'"),
        (["show", "ROWS", "--id", "b", "--index", "1"], 2, "not both"),
        (["show", "ROWS", "--split", "test"], 2, "no test split"),
    ],
)
def test_wrong_input_is_one_clear_error(punie: Punie, rows: Path, arguments: list[str], code: int, says: str) -> None:
    """Each mistake has its exit code and a sentence, and leaves no output."""
    ended = punie("dataset", *[str(rows) if word == "ROWS" else word for word in arguments])
    assert ended.code == code
    assert says in ended.err
    assert "Traceback" not in ended.err
    assert [path.name for path in Path().iterdir()] == ["rows.jsonl"]
