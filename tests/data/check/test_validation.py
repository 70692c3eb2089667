"""Validation: each bad row by its place, in constant memory, at whatever place it stands."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from defects import DEFECTS, GOOD, ODDITIES

from punie.data.check.inspection import Problem
from punie.data.check.validation import Validation, validate
from punie.data.writer import write_dataset
from punie.errors import DataError, UsageError

TEXT = b'{"text": "a"}'
PLAIN = GOOD.replace(b', "id": 7', b"")


def write(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def problems_of(path: Path) -> tuple[Validation, list[Problem]]:
    heard: list[Problem] = []
    return validate(path, on_problem=heard.append), heard


@pytest.mark.parametrize("defect", DEFECTS)
def test_one_bad_row_among_seven_thousand(tmp_path: Path, defect: str) -> None:
    """The right line, the right byte of the file, the right rule, and nothing said of any other row."""
    line, rule, path, at = DEFECTS[defect]
    file = write(tmp_path / "rows.jsonl", *[GOOD] * 5002, line, *[GOOD] * 1997)
    found, (problem,) = problems_of(file)
    assert (found.rows, found.failed, found.rules) == (7000, 1, {rule: 1})
    assert (problem.line, problem.rule, problem.path) == (5003, rule, path)
    assert problem.where == f"{file}:5003"
    assert file.read_bytes()[problem.byte :].startswith(at)


@pytest.mark.parametrize("oddity", ODDITIES)
def test_an_oddity_among_seven_thousand(tmp_path: Path, oddity: str) -> None:
    """What is legal passes, wherever it stands."""
    found, heard = problems_of(write(tmp_path / "rows.jsonl", *[GOOD] * 5002, ODDITIES[oddity], *[GOOD] * 1997))
    assert heard == []
    assert found.counts == {"train": 7000}
    found.require_sound()


def test_every_defect_is_found_in_a_file_of_defects(tmp_path: Path) -> None:
    """One bad row does not hide the next; the first ten are kept, all are told and counted."""
    found, heard = problems_of(write(tmp_path / "rows.jsonl", GOOD, *(line for line, *_ in DEFECTS.values())))
    assert [(problem.line, problem.rule) for problem in heard] == [
        (number, rule) for number, (_, rule, _, _) in enumerate(DEFECTS.values(), start=2)
    ]
    assert (found.rows, found.failed, len(found.first), found.problems) == (16, 15, 10, 15)
    with pytest.raises(DataError, match="15 of 16") as caught:
        found.require_sound()
    assert caught.value.hint.splitlines()[-1] == "... and 5 more"


def test_a_key_that_stands_twice_is_found_at_any_depth(tmp_path: Path) -> None:
    """Also in fields nobody knows, and in rows full of text that looks like keys."""
    code = json.dumps(
        {"messages": [{"role": "user", "content": '{"a": 1, "a": 2}\\'}, {"role": "assistant", "content": "x"}]}
    )
    twice = [
        PLAIN.replace(b'"Hi"', b'"Hi", "content": "a longer text than before"'),
        PLAIN[:-1] + b', "messages": []}',
        GOOD[:-1] + b', "id": 8}',
        GOOD.replace(b"7}", b'{"a": [{"b": 1, "b": 1}]}}'),
        code.encode()[:-1] + b', "id": 1, "id": 2}',
        GOOD.replace(b'"id": 7', b'"id" : 7, "id": 7'),
    ]
    good = [PLAIN, GOOD, code.encode(), GOOD.replace(b"7}", b'{"a": [{"b": 1}, {"b": 1}]}}')]
    _, heard = problems_of(write(tmp_path / "rows.jsonl", *good, *twice, *good))
    assert {(problem.line, problem.rule) for problem in heard} - {(6, "empty-messages")} == {
        (number, "duplicate-key") for number in range(5, 11)
    }


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (b'{"prompt": null, "completion": null, "messages": []}', "wrong-text"),
        (b'{"messages": null, "text": "a"}', "wrong-messages"),
        (b'{"text": null}', "wrong-text"),
    ],
)
def test_null_is_not_absence(tmp_path: Path, line: bytes, rule: str) -> None:
    """mlx-lm goes by the keys that are there, so a null of another shape breaks it."""
    _, heard = problems_of(write(tmp_path / "rows.jsonl", GOOD, line))
    assert (heard[0].line, heard[0].rule) == (2, rule)


def test_shapes_and_splits_are_counted(tmp_path: Path) -> None:
    """Chats with tools are counted apart, and may stand among chats without."""
    tools = PLAIN[:-1] + b', "tools": [{"type": "function", "function": {"name": "f"}}]}'
    write(tmp_path / "train.jsonl", PLAIN, tools, tools, PLAIN[:-1] + b', "tools": []}')
    write(tmp_path / "valid.jsonl", TEXT)
    found = validate(tmp_path)
    assert found.counts == {"train": 4, "valid": 1}
    assert found.shapes == {"chat": 2, "chat with tools": 2, "text": 1}
    found.require_sound()


def test_a_row_of_another_shape_is_a_problem(tmp_path: Path) -> None:
    """mlx-lm reads a whole file in the shape of its first row; each file has its own."""
    write(tmp_path / "train.jsonl", TEXT, PLAIN, TEXT)
    write(tmp_path / "valid.jsonl", PLAIN)
    _, (problem,) = problems_of(tmp_path)
    assert (problem.where, problem.rule) == (f"{tmp_path}/train.jsonl:2", "mixed-shapes")


def test_a_tolerance_is_a_share_of_rows(tmp_path: Path) -> None:
    """More than so many percent fail; exactly so many pass. A row with two faults is one row."""
    two = b'{"messages": [{"role": "x", "content": 7}, {"role": "assistant", "content": "a"}]}'
    found = validate(write(tmp_path / "rows.jsonl", *[PLAIN] * 99, two))
    assert (found.failed, found.problems) == (1, 2)
    found.require_sound(tolerance=1)
    with pytest.raises(DataError, match=r"1 of 100, more than 0\.9 %"):
        found.require_sound(tolerance=0.9)


def test_what_is_allowed_and_odd_is_a_caution(tmp_path: Path) -> None:
    """No validation rows; files that are not those dataset.json speaks of."""
    write_dataset(tmp_path / "data", "mine", {"train": [json.loads(PLAIN)] * 3}, {})
    assert [caution.rule for caution in validate(tmp_path / "data").cautions] == ["no-valid-split"]
    write(tmp_path / "data" / "train.jsonl", PLAIN)
    write(tmp_path / "data" / "valid.jsonl", PLAIN)
    assert [caution.rule for caution in validate(tmp_path / "data").cautions] == ["changed-since-written"]


def test_a_line_of_a_hundred_megabytes_is_one_problem(tmp_path: Path) -> None:
    """It is not loaded; the rows around it are looked at."""
    path = tmp_path / "rows.jsonl"
    with path.open("wb") as out:
        out.write(PLAIN + b'\n{"text": "')
        out.writelines([b"a" * 1_000_000] * 100)
        out.write(b'"}\n' + DEFECTS["int content"][0] + b"\n")
    found, heard = problems_of(path)
    assert [(problem.line, problem.rule) for problem in heard] == [(2, "line-too-long"), (3, "wrong-content")]
    assert found.failed == 2


def test_what_is_no_dataset_is_refused(tmp_path: Path) -> None:
    """No folder, no train split, a pipe: the user's to correct. An empty train split: bad data."""
    os.mkfifo(tmp_path / "pipe.jsonl")
    for path in (tmp_path / "nowhere", tmp_path, tmp_path / "pipe.jsonl"):
        with pytest.raises(UsageError):
            validate(path)
    (tmp_path / "train.jsonl").touch()
    with pytest.raises(DataError, match="train split is empty"):
        validate(tmp_path)


def test_public_rows_are_looked_at(tmp_path: Path) -> None:
    """HumanEval's rows have a prompt and no completion: each is named, none is lost."""
    packed = Path(__file__).parents[4] / "shared" / "data" / "humaneval" / "HumanEval.jsonl.gz"
    if not packed.is_file():
        pytest.skip("the public rows are not here")
    (tmp_path / "rows.jsonl").write_bytes(gzip.decompress(packed.read_bytes()))
    found = validate(tmp_path / "rows.jsonl")
    assert (found.rows, found.failed, found.rules) == (164, 164, {"unknown-shape": 164})
