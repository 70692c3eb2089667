"""Whatever stands where rows should be: one sentence with its place, the right exit code, and nothing written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dataset_commands import READERS, WRITERS, left_behind, write_inputs

from punie.cli.live import Live
from punie.data.blocks import MAX_ROW_BYTES
from punie.data.dataset import read_manifest

Punie = Callable[..., Any]

OF_ROWS = {name: line for name, line in (READERS | WRITERS).items() if name not in {"import", "validate model"}}
"""Commands that read rows of a dataset."""
SECOND = b'{"id": "x", "prompt": "a b", "completion": "def f(x):\\n    return x", "tests": ["assert f(1) == 1"]'
LINES = {
    "cut off": (SECOND[:40], "breaks off before the end of the row"),
    "bad UTF-8": (SECOND + b', "note": "\xff"}', "has bytes that are not UTF-8"),
    "bad UTF-8 in the text": (SECOND.replace(b"a b", b"a \xe9") + b"}", "has bytes that are not UTF-8"),
    "a BOM": (b"\xef\xbb\xbf" + SECOND + b"}", "begins with a byte order mark"),
    "not a number": (SECOND + b', "note": NaN}', "$.note is not JSON"),
    "no object": (b"[1]", "$ is a list, not an object"),
    "nothing": (b"", "is a blank line"),
    "without an end": (SECOND + b', "note": "' + b"a" * MAX_ROW_BYTES + b'"}', "longer than the 16 MB"),
}


def put(folder: Path, line: bytes) -> None:
    """Make this the second row."""
    path = folder / "IN" / "train.jsonl"
    first, *others = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([first, line + b"\n", *others]))


@pytest.mark.parametrize(("line", "says"), LINES.values(), ids=LINES)
@pytest.mark.parametrize("command", OF_ROWS.values(), ids=OF_ROWS)
def test_a_line_that_is_no_row(punie: Punie, tmp_path: Path, command: str, line: bytes, says: str) -> None:
    """Exit code 3, file and line, what is wrong there, and no output."""
    write_inputs(tmp_path, count=4)
    put(tmp_path, line)
    ended = punie("dataset", *command.split())
    assert ended.code == 3, ended
    assert "IN/train.jsonl:2" in ended.err
    assert says in ended.err
    assert left_behind(tmp_path) == []


def test_rows_with_a_key_twice_lose_nothing(punie: Punie, tmp_path: Path) -> None:
    """`validate` names them and `map` does not write them again; the others take the last value, as mlx-lm does."""
    twice = SECOND + b', "prompt": "c d"}'
    for name, command in OF_ROWS.items():
        folder = tmp_path / name.replace(" ", "-")
        folder.mkdir()
        write_inputs(folder, count=4)
        put(folder, twice)
        os.chdir(folder)
        refuses = name in {"validate", "map", "map preview"}
        ended = punie("dataset", *command.replace("drop-field note", "drop-field id").split())
        assert ended.code == (3 if refuses else 0), (name, ended)
        if (folder / "OUT").is_dir():
            assert any(twice in path.read_bytes().splitlines() for path in (folder / "OUT").glob("*.jsonl")), name


@pytest.mark.parametrize("command", OF_ROWS.values(), ids=OF_ROWS)
@pytest.mark.parametrize("file", ["train.jsonl", "valid.jsonl"])
def test_a_pipe_is_no_file(punie: Punie, tmp_path: Path, command: str, file: str) -> None:
    """A pipe can be read once and has no end: exit code 2, at once, wherever a split should be."""
    write_inputs(tmp_path, count=4)
    (tmp_path / "IN" / file).unlink()
    os.mkfifo(tmp_path / "IN" / file)
    ended = punie("dataset", *command.split())
    assert ended.code == 2
    assert "neither a folder nor a regular file" in ended.err
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("command", OF_ROWS.values(), ids=OF_ROWS)
def test_a_missing_split(punie: Punie, tmp_path: Path, command: str) -> None:
    """Without train.jsonl there is no dataset: exit code 2."""
    write_inputs(tmp_path, count=4)
    (tmp_path / "IN" / "train.jsonl").unlink()
    ended = punie("dataset", *command.split())
    assert (ended.code, left_behind(tmp_path)) == (2, [])
    assert "There is no train.jsonl here." in ended.err


TAKEN = {
    "the input": ("IN", "The output folder is in use."),
    "a file of the input": ("IN/train.jsonl", "The output folder is in use."),
    "below a file": ("FILE/OUT", "Cannot write here"),
    "another's folder": ("OTHER", "The output folder is in use."),
}


@pytest.mark.parametrize(("output", "says"), TAKEN.values(), ids=TAKEN)
@pytest.mark.parametrize("command", WRITERS.values(), ids=WRITERS)
def test_an_output_that_cannot_be(
    punie: Punie, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, output: str, says: str
) -> None:
    """Exit code 2, and everything that was there stays; nobody waits for rows to be read first."""
    write_inputs(tmp_path, count=4)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    read: list[object] = []
    monkeypatch.setattr(Live, "step", lambda live, step: read.append(step))
    ended = punie("dataset", *command.replace("OUT", output).split())
    assert ended.code == 2, ended
    assert says in ended.err or "The output is where the input is." in ended.err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert not read or output == "FILE/OUT"


@pytest.mark.parametrize(("line", "says"), LINES.values(), ids=LINES)
def test_a_record_that_is_none_is_in_the_ledger(punie: Punie, tmp_path: Path, line: bytes, says: str) -> None:
    """An import keeps what can be imported and names each other line; one without an end stops it."""
    write_inputs(tmp_path, count=4)
    good = (tmp_path / "FILE").read_bytes()
    first, *others = good.splitlines(keepends=True)
    (tmp_path / "FILE").write_bytes(b"".join([first, line + b"\n", *others]))
    ended = punie("dataset", *WRITERS["import"].split())
    if "longer" in says:
        assert (ended.code, left_behind(tmp_path)) == (3, [])
        assert "FILE:2" in ended.err
        return
    assert ended.code == 0, ended.err
    (removal,) = map(json.loads, (tmp_path / "OUT" / "removed.jsonl").read_text().splitlines())
    assert (removal["line"], removal["rule"]) == (2, "cannot be imported")
    assert sum(read_manifest(tmp_path / "OUT").counts.values()) == len(good.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("command", OF_ROWS.values(), ids=OF_ROWS)
def test_a_hundred_megabytes_without_a_line_end(punie: Punie, tmp_path: Path, command: str) -> None:
    """The same as for 16 MB: exit code 3 with the line's number."""
    write_inputs(tmp_path, count=4)
    put(tmp_path, b'{"text": "' + b"a" * 100_000_000)
    ended = punie("dataset", *command.split())
    assert (ended.code, left_behind(tmp_path)) == (3, [])
    assert "longer than the 16 MB" in ended.err
