"""`punie dataset map`: seen before it is done, and refused where it would do harm."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Punie = Callable[..., Any]

ROWS = [
    {"id": role, "messages": [{"role": role, "content": "Find it."}, {"role": "assistant", "content": "There."}]}
    for role in ("human", "user")
]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))
    return path


def test_map_is_seen_before_it_is_done(punie: Punie, rows: Path) -> None:
    """The dry run shows before and after and writes nothing; the run then changes exactly as many rows."""
    ask = ("dataset", "map", rows, "rename-role", "human=user", "--expect", 1)
    seen = punie(*ask, "--dry-run", 3)
    assert seen.code == 0
    assert all(line in seen.out.splitlines() for line in ('-      "role": "human",', '+      "role": "user",'))
    assert json.loads(punie(*ask, "--dry-run", 0, "--json").out) == {"rows": 2, "changed": 1, "examples": []}
    assert not Path("out").exists()
    assert punie(*ask, "--output", "out").code == 0
    written = [json.loads(line) for line in (Path("out") / "train.jsonl").read_text().splitlines()]
    assert written[0]["messages"][0] == {"role": "user", "content": "Find it."}
    assert written[1] == ROWS[1]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["map", "ROWS", "drop-field", "id"], 2, "--output or --dry-run"),
        (["map", "ROWS", "drop", "id", "--output", "out"], 2, "no transform called"),
        (["map", "ROWS", "drop-field", "none", "--output", "out"], 3, "changes no row"),
        (["map", "ROWS", "drop-field", "id", "--output", "out", "--expect", "1"], 3, "changes 2 rows, not 1"),
        (["map", "ROWS", "drop-field", "id", "--dry-run", "0", "--expect", "1"], 3, "changes 2 rows, not 1"),
        (["map", "ROWS", "drop-field", "messages", "--output", "out"], 3, "rows.jsonl:"),
    ],
)
def test_wrong_input_is_one_clear_error(punie: Punie, rows: Path, arguments: list[str], code: int, says: str) -> None:
    """Each mistake has its exit code and a sentence, and leaves no output."""
    ended = punie("dataset", *[str(rows) if word == "ROWS" else word for word in arguments])
    assert ended.code == code
    assert says in ended.err
    assert "Traceback" not in ended.err
    assert [path.name for path in Path().iterdir()] == ["rows.jsonl"]
