"""Rows whose solutions are right, by running them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from punie.data.dataset import read_manifest
from punie.data.fetch.importers.formats import import_
from punie.data.fetch.verify import judge_row, verify
from punie.errors import DataError
from punie.files import read_jsonl

SHARED = Path(__file__).parents[4] / "shared" / "data"
HUMANEVAL, MBPP = SHARED / "humaneval" / "HumanEval.jsonl.gz", SHARED / "mbpp" / "mbpp_511_974.jsonl"

RIGHT = {"id": "a", "prompt": "Double it.", "solution": "def f(x): return 2 * x", "tests": ["assert f(1) == 2"]}
WRONG = {**RIGHT, "id": "b", "tests": ["assert f(0) == 0", "assert f(2) == 5", "assert f(3) == 7"]}
LOOPED = {**RIGHT, "id": "c", "tests": "for n in [1]:\n    assert f(n) == 3"}
UNTESTED = {**RIGHT, "id": "d", "tests": []}
IMPORTED = {
    "prompt": "Double it.",
    "completion": "def f(x): return 2 * x",
    "metadata": {"tests": ["assert f(1) == ONE * 2 and True"], "setup": "ONE = 1", "entry_point": "f"},
}


def write_rows(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row, indent=None) + "\n" for row in rows))
    return path


def test_right_rows_are_kept_byte_for_byte(tmp_path: Path) -> None:
    """What passes keeps its bytes; every other row is in the ledger with the assert it failed, and the sum closes."""
    source = write_rows(tmp_path / "rows.jsonl", RIGHT, WRONG, LOOPED, UNTESTED, IMPORTED)
    verification = verify(source, tmp_path / "out")
    lines = source.read_bytes().splitlines(keepends=True)
    assert (tmp_path / "out/train.jsonl").read_bytes() == lines[0] + lines[4]
    removed = [row for _, row in read_jsonl(tmp_path / "out/removed.jsonl")]
    assert [(row["line"], row["rule"]) for row in removed] == [
        (2, "test failed"),
        (3, "test failed"),
        (4, "cannot be verified"),
    ]
    assert removed[0]["value"] == {"assert": "assert f(2) == 5", "result": "came 4", "judged": "outside"}
    assert removed[1]["value"]["judged"] == "in-process check"
    assert "assert f(n) == 3" in removed[1]["value"]["result"]
    assert verification.manifest.parents[0].rows == 5
    assert (verification.outside, verification.in_process) == (4, 2)


@pytest.mark.parametrize(("unsafe", "sandbox"), [(False, "jail"), (True, "unsafe child process")])
def test_the_manifest_says_how_the_code_was_run(tmp_path: Path, unsafe: bool, sandbox: str) -> None:
    """Rows that were verified without a jail carry the mark for good."""
    verify(write_rows(tmp_path / "rows.jsonl", RIGHT), tmp_path / "out", unsafe_no_sandbox=unsafe)
    assert read_manifest(tmp_path / "out").recipe["sandbox"] == sandbox


def test_no_row_left_is_an_error(tmp_path: Path) -> None:
    """A dataset of wrong solutions does not become an empty one."""
    with pytest.raises(DataError, match="Nothing is left") as caught:
        verify(write_rows(tmp_path / "rows.jsonl", WRONG), tmp_path / "out")
    assert "test failed 1" in caught.value.hint
    assert not (tmp_path / "out").exists()


def test_the_parser_does_not_complain_about_strangers(tmp_path: Path) -> None:
    """An invalid escape in somebody's test is nobody's warning."""
    odd = {**RIGHT, "tests": ["assert f('\\d') == '\\d\\d'"]}
    assert verify(write_rows(tmp_path / "rows.jsonl", odd), tmp_path / "out").outside == 1


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"text": "hi"}, "no solution"),
        ({"solution": " ", "tests": ["assert True"]}, "no solution"),
        ({"solution": "x = 1"}, "not a list of assert lines"),
        ({"solution": "x = 1", "tests": [1]}, "not a list of assert lines"),
        ({"solution": "x = 1", "tests": ["assert ("]}, "no Python"),
        ({"solution": "x = 1", "tests": ["y = 2"]}, "check nothing"),
    ],
)
def test_what_cannot_be_verified_says_why(row: dict[str, Any], why: str) -> None:
    """A row without a solution or tests is no failed test."""
    judgement = judge_row(row)
    assert judgement.rule == "cannot be verified"
    assert why in judgement.value


def test_a_result_that_compares_itself_does_not_pass() -> None:
    """What calls itself equal to everything is no plain data, and the ledger says so."""
    equal = "class Same:\n    def __eq__(self, other): return True\n\ndef f(x): return Same()"
    judgement = judge_row({**RIGHT, "solution": equal})
    assert judgement.rule == "test failed"
    assert judgement.value["result"].startswith("not plain data")


@pytest.mark.skipif(not HUMANEVAL.is_file(), reason="the public benchmark rows are not beside the repository")
def test_every_reference_solution_of_humaneval_passes(tmp_path: Path) -> None:
    """164 of 164, with 1134 of 1154 asserts decided outside the child."""
    import_("humaneval", HUMANEVAL, tmp_path / "humaneval")
    verification = verify(tmp_path / "humaneval", tmp_path / "out")
    assert verification.manifest.counts == {"train": 164}
    assert (verification.outside, verification.in_process) == (1134, 20)
    assert read_manifest(tmp_path / "out").fingerprint == read_manifest(tmp_path / "humaneval").fingerprint


@pytest.mark.slow
@pytest.mark.skipif(not HUMANEVAL.is_file(), reason="the public benchmark rows are not beside the repository")
def test_no_stub_passes_humaneval(tmp_path: Path) -> None:
    """0 of 164 for functions that return None."""
    import_("humaneval", HUMANEVAL, tmp_path / "humaneval")
    rows = [row for _, row in read_jsonl(tmp_path / "humaneval/train.jsonl")]
    stubs = [{**row, "solution": f"def {row['metadata']['entry_point']}(*a): return None"} for row in rows]
    with pytest.raises(DataError) as caught:
        verify(write_rows(tmp_path / "stubs.jsonl", *stubs), tmp_path / "out")
    assert "test failed 164" in caught.value.hint


@pytest.mark.slow
@pytest.mark.skipif(not MBPP.is_file(), reason="the public benchmark rows are not beside the repository")
def test_every_reference_solution_of_mbpp_passes(tmp_path: Path) -> None:
    """464 of 464, rows 511 to 974."""
    import_("mbpp", MBPP, tmp_path / "mbpp")
    verification = verify(tmp_path / "mbpp", tmp_path / "out")
    assert verification.manifest.counts == {"train": 464}
