"""`punie dataset download`, `import` and `verify`, as they are typed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Punie = Callable[..., Any]

EXERCISE = {"prompt": "Double it.", "solution": "def f(x): return 2 * x", "tests": ["assert f(2) == 4"]}


def write_rows(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("maximum", [20, 50, 300])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_journal_runs(punie: Punie, maximum: int, seed: int) -> None:
    """Download, validate, filter, word for word: something is left whatever the size and the seed."""
    data = ["data/workflow-test/", "data/workflow-filtered/"]
    ended = punie("dataset", "download", "sample", "--max", maximum, "--seed", seed, "--output", data[0])
    assert ended.code == 0, ended.err
    assert punie("dataset", "validate", data[0]).code == 0
    ended = punie("dataset", "filter", data[0], "--min-messages", 3, "--output", data[1])
    assert ended.code == 0, ended.err
    assert len(Path(data[1], "train.jsonl").read_text().splitlines()) >= 5


def test_json_is_one_document(punie: Punie) -> None:
    """With --json the manifest is on standard output, and nothing else."""
    printed = json.loads(punie("dataset", "download", "tiny", "--max", 30, "--json").out)
    assert printed == json.loads(Path("data/tiny/dataset.json").read_text())
    write_rows(Path("a.jsonl"), {"instruction": "Hi", "output": "Hello"})
    printed = json.loads(punie("dataset", "import", "alpaca", "a.jsonl", "--output", "a", "--json").out)
    assert printed["counts"] == {"train": 1}
    write_rows(Path("e.jsonl"), EXERCISE)
    printed = json.loads(punie("dataset", "verify", "e.jsonl", "--output", "e", "--json").out)
    assert printed["checks"] == {"outside": 1, "in_process": 0}


def test_removed_rows_are_counted_by_rule(punie: Punie) -> None:
    """A person sees how many rows are gone, and where to read why."""
    write_rows(Path("e.jsonl"), EXERCISE, {**EXERCISE, "solution": "def f(x): return x"}, {"text": "no tests"})
    ended = punie("dataset", "verify", "e.jsonl", "--output", "out")
    assert ended.code == 0, ended.err
    assert "test failed" in ended.out
    assert "cannot be verified" in ended.out
    assert "out/removed.jsonl" in ended.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["download", "sampel"], 2, "Did you mean sample?"),
        (["download", "sample", "--split", "train"], 2, "sample is embedded"),
        (["download", "org/name", "--seed", "1"], 2, "--seed is for embedded datasets"),
        (["download", "org/name", "--columns", "x=y"], 2, "make no row to learn from"),
        (["download", "org/name"], 2, "hub cannot be reached"),
        (["download", "org/na/me"], 2, "no dataset called 'org/na/me'"),
        (["import", "alpacca", "a.jsonl", "--output", "out"], 2, "Did you mean alpaca?"),
        (["import", "alpaca", "nosuch.jsonl", "--output", "out"], 2, "does not exist"),
        (["import", "alpaca", "empty.jsonl", "--output", "out"], 3, "Nothing is left"),
        (["import", "bfcl", "empty.jsonl", "--output", "out"], 2, "answers to these questions"),
        (["verify", "nosuch", "--output", "out"], 2, "no such dataset"),
        (["verify", "wrong.jsonl", "--output", "out"], 3, "test failed 1"),
        (["verify", "broken.jsonl", "--output", "out"], 3, "broken.jsonl:2"),
    ],
)
def test_wrong_input_is_one_clear_error(punie: Punie, arguments: list[str], code: int, says: str) -> None:
    """Each mistake ends with its exit code and a sentence that names it; nothing is left half-written."""
    write_rows(Path("empty.jsonl"))
    write_rows(Path("e.jsonl"), EXERCISE)
    write_rows(Path("wrong.jsonl"), {**EXERCISE, "solution": "def f(x): return x"})
    Path("broken.jsonl").write_text(json.dumps(EXERCISE) + "\n{\n")
    before = sorted(os.listdir())
    ended = punie("dataset", *arguments)
    assert (ended.code, ended.out) == (code, ""), ended.err
    assert says in ended.err
    assert "Traceback" not in ended.err
    assert [name for name in sorted(os.listdir()) if name != "data"] == before
    assert not Path("data").exists() or not os.listdir("data")
