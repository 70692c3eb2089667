"""`punie dataset validate` at the door."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from defects import DEFECTS, GOOD

Punie = Callable[..., Any]


def write(*lines: bytes) -> None:
    Path("rows.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))


def test_sound_rows_end_with_zero(punie: Punie) -> None:
    """A table of splits and shapes, and nothing on the other stream."""
    write(*[GOOD] * 3)
    ended = punie("dataset", "validate", "rows.jsonl")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.split() == ["split", "rows", "train", "3", "shape", "rows", "chat", "3"]


def test_problems_are_shown_with_their_remedy(punie: Punie) -> None:
    """File and line, path, what is wrong, what to do; ten of them, and the exit code of bad data."""
    write(GOOD, *[DEFECTS["int content"][0]] * 25)
    ended = punie("dataset", "validate", "rows.jsonl")
    assert ended.code == 3
    assert ended.out.split()[-4:] == ["problem", "count", "wrong-content", "25"]
    first, *others = ended.err.splitlines()
    assert first == "Error: Rows that cannot be taught from: 25 of 26."
    assert others[0] == "rows.jsonl:2: $.messages[1].content is a number, not text. Make it a text."
    assert others[9:] == [
        "rows.jsonl:11: $.messages[1].content is a number, not text. Make it a text.",
        "... and 15 more",
    ]


def test_json_is_one_document_with_every_error(punie: Punie) -> None:
    """Also where there are many; standard error carries the sentence."""
    write(GOOD, *(line for line, *_ in DEFECTS.values()), *[b"{}"] * 300)
    ended = punie("dataset", "validate", "rows.jsonl", "--json")
    assert ended.code == 3
    document = json.loads(ended.out)
    assert (document["rows"], document["failed"], len(document["errors"])) == (316, 315, 315)
    assert set(document["errors"][0]) == {"file", "line", "byte", "path", "rule", "value", "message", "fix"}
    assert document["warnings"] == []


def test_json_without_errors_is_a_document_too(punie: Punie) -> None:
    """An empty list, and warnings for what is allowed and odd."""
    Path("d").mkdir()
    Path("d/train.jsonl").write_bytes(GOOD + b"\n")
    ended = punie("dataset", "validate", "d", "--json")
    assert ended.code == 0
    document = json.loads(ended.out)
    assert document["errors"] == []
    assert [warning["rule"] for warning in document["warnings"]] == ["no-valid-split"]


def test_a_tolerance_lets_some_rows_fail(punie: Punie) -> None:
    """So many percent and no more."""
    write(*[GOOD] * 49, b"{}")
    assert punie("dataset", "validate", "rows.jsonl", "--tolerance", 2).code == 0
    assert punie("dataset", "validate", "rows.jsonl", "--tolerance", 1.9).code == 3
    assert punie("dataset", "validate", "rows.jsonl", "--tolerance", 101).code == 2


def test_a_model_renders_the_rows(punie: Punie) -> None:
    """Tokens are counted, and a cut is a problem."""
    write(*[GOOD] * 2)
    ended = punie("dataset", "validate", "rows.jsonl", "--model", "tiny")
    assert ended.code == 0, ended.err
    assert "longest row" in ended.out
    assert punie("dataset", "validate", "rows.jsonl", "--model", "tiny", "--max-seq-length", 4).code == 3


def test_what_is_no_dataset_is_a_wrong_argument(punie: Punie) -> None:
    """One sentence, exit code 2, and no half JSON document."""
    for path in ("nowhere", "."):
        ended = punie("dataset", "validate", path, "--json")
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith("Error: ")
