"""Filtering: bytes untouched, every lost row explained, or nothing at all."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from punie.data.blocks import MAX_ROW_BYTES
from punie.data.choose.curate import Selection, filter_
from punie.data.choose.rules import make_rules
from punie.data.choose.shards import spans
from punie.data.dataset import read_manifest
from punie.data.ledger import row_hash
from punie.data.progress import Step
from punie.data.source import open_source
from punie.errors import DataError, UsageError
from punie.files import read_jsonl


def chat(turns: int, text: str = "word", **fields: Any) -> bytes:
    messages = [{"role": ("user", "assistant")[turn % 2], "content": text} for turn in range(turns)]
    return json.dumps({"messages": messages, **fields}, ensure_ascii=False).encode()


def write(folder: Path, **splits: list[bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in splits.items():
        (folder / f"{split}.jsonl").write_bytes(b"".join(row + b"\n" for row in rows))
    return folder


def run(path: Path, output: Path, *rules: tuple[str, Any], **options: Any) -> Selection:
    return filter_(path, output, make_rules(rules), **options)


def test_kept_rows_keep_their_bytes(tmp_path: Path) -> None:
    """Spaces, escapes, number spellings, U+2028, a lone CR and keys nobody knows come out as they went in."""
    odd = b'{ "x":1.50e0, "messages": [{"role":"user","content":"\\u00e9\xe2\x80\xa8"},\r'
    odd += b'{"role":"assistant","content":"b"}]}'
    source = write(tmp_path / "in", train=[chat(2), odd, chat(4)], valid=[chat(2)], test=[odd])
    run(source, tmp_path / "out", ("min_messages", 2))
    for split in ("train", "valid", "test"):
        assert (tmp_path / "out" / f"{split}.jsonl").read_bytes() == (source / f"{split}.jsonl").read_bytes()
    assert not (tmp_path / "out" / "removed.jsonl").exists()


def test_every_dropped_row_can_be_found_again(tmp_path: Path) -> None:
    """The ledger names file, line, hash, rule, value and threshold; the manifest counts and knows its parent."""
    rows = [chat(2), chat(4), chat(2, category="x"), chat(6)]
    source = write(tmp_path / "in", train=rows, test=[chat(2), chat(4)])
    selection = run(source, tmp_path / "out", ("min_messages", 3))
    ledger = [row for _, row in read_jsonl(tmp_path / "out" / "removed.jsonl")]
    train = str(source / "train.jsonl")
    assert [(row["file"], row["line"], row["rule"], row["value"], row["threshold"]) for row in ledger] == [
        (train, 1, "min_messages", 2, 3),
        (train, 3, "min_messages", 2, 3),
        (str(source / "test.jsonl"), 1, "min_messages", 2, 3),
    ]
    assert ledger[1]["hash"] == row_hash(rows[2])
    manifest = read_manifest(tmp_path / "out")
    assert manifest == selection.manifest
    assert manifest.counts == {"train": 2, "test": 1}
    assert manifest.removed == {"min_messages": 3}
    assert manifest.recipe["rules"] == [{"min_messages": 3}]
    parent = manifest.parents[0]
    assert (parent.path, parent.rows, parent.fingerprint) == (str(source), 6, open_source(source).fingerprint())


ROWS = st.lists(
    st.one_of(
        st.builds(chat, st.integers(1, 6), st.text(min_size=1, max_size=20).filter(str.strip)),
        st.binary(max_size=12).filter(lambda raw: b"\n" not in raw),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, least=st.integers(1, 6), ends=st.booleans())
def test_no_row_is_lost(tmp_path_factory: pytest.TempPathFactory, rows: list[bytes], least: int, ends: bool) -> None:
    """In = kept + dropped by rule, line by line, whatever the rows are and whether the last line ends."""
    folder = tmp_path_factory.mktemp("any")
    rows = [chat(6), *rows]
    (folder / "in.jsonl").write_bytes(b"\n".join(rows) + (b"\n" if ends else b""))
    given_lines = (folder / "in.jsonl").read_bytes().removesuffix(b"\n").split(b"\n")
    run(folder / "in.jsonl", folder / "out", ("min_messages", least), drop_invalid=True)
    kept = (folder / "out" / "train.jsonl").read_bytes().split(b"\n")[:-1]
    path = folder / "out" / "removed.jsonl"
    gone = {row["line"]: row["hash"] for _, row in read_jsonl(path)} if path.exists() else {}
    assert [row for line, row in enumerate(given_lines, start=1) if line not in gone] == kept
    assert all(row_hash(given_lines[line - 1]) == found for line, found in gone.items())


def test_an_invalid_row_stops_the_filter(tmp_path: Path) -> None:
    """It is named by file and line, and nothing is written; dropping such rows is a decision of its own."""
    source = write(tmp_path / "in", train=[chat(2), b'{"messages": "none"}', chat(4)])
    with pytest.raises(DataError, match="messages") as caught:
        run(source, tmp_path / "out", ("min_messages", 2))
    assert caught.value.where == f"{source / 'train.jsonl'}:2"
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert run(source, tmp_path / "out", drop_invalid=True).manifest.removed == {"invalid": 1}


def test_what_a_rule_drops_need_not_be_sound(tmp_path: Path) -> None:
    """Chats that end with a question are dropped by the rule that is about them."""
    source = write(tmp_path / "in", train=[chat(2), chat(3)])
    assert run(source, tmp_path / "out", ("last_role", "assistant")).manifest.removed == {"last_role": 1}


def test_selecting_nothing_is_an_error(tmp_path: Path) -> None:
    """A word that no row has tells what the rows do have."""
    source = write(tmp_path / "in", train=[chat(2, category="a"), chat(2, category="b"), chat(2, category="a")])
    with pytest.raises(DataError) as caught:
        run(source, tmp_path / "out", ("category", ["c"]))
    assert "category 3" in caught.value.hint
    assert "a (2), b (1)" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_an_empty_file_is_nothing(tmp_path: Path) -> None:
    """Nothing in, nothing out, and it says so."""
    with pytest.raises(DataError, match="Nothing is left"):
        run(write(tmp_path / "in", train=[]), tmp_path / "out", ("min_messages", 1))


@pytest.mark.parametrize("output", ["in", "in/../in", "in/train.jsonl"])
def test_the_input_is_never_the_output(tmp_path: Path, output: str) -> None:
    """However the path is written, the rows that were read stay as they are."""
    source = write(tmp_path / "in", train=[chat(2), chat(4)])
    before = (source / "train.jsonl").read_bytes()
    with pytest.raises(UsageError):
        run(source, tmp_path / output, ("min_messages", 3))
    assert (source / "train.jsonl").read_bytes() == before


def test_one_endless_line_is_named(tmp_path: Path) -> None:
    """A document that was not written as lines is refused with its place, and no more of it is read than a row has."""
    path = tmp_path / "in.jsonl"
    path.write_bytes(chat(2) + b"\n" + b"x" * (4 * MAX_ROW_BYTES) + b"\n" + chat(2))
    for processes in (1, 2):
        tracemalloc.start()
        with pytest.raises(DataError, match="longer than the 16 MB") as caught:
            run(path, tmp_path / "out", ("min_messages", 1), processes=processes)
        assert tracemalloc.get_traced_memory()[1] < 2.5 * MAX_ROW_BYTES
        tracemalloc.stop()
        assert caught.value.where == f"{path}:2"


def test_the_longest_row_is_a_row(tmp_path: Path) -> None:
    """A line of exactly the limit passes, with its end and, at the end of a file, without."""
    longest = chat(2, "x")
    longest = longest[:-1] + b" " * (MAX_ROW_BYTES - len(longest)) + b"}"
    (tmp_path / "in.jsonl").write_bytes(longest + b"\n" + longest)
    assert run(tmp_path / "in.jsonl", tmp_path / "out", ("min_messages", 1)).kept == 2


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_ranges_are_whole_lines(tmp_path: Path, count: int) -> None:
    """Ranges meet at line ends and cover the file, also where there are fewer lines than ranges."""
    path = tmp_path / "in.jsonl"
    for lines in ([b"a"], [b"", b"", b""], [b"x" * 50, b"y"], [b"ab"] * 9):
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        whole, found = path.read_bytes(), spans(path, count)
        assert b"".join(whole[start:stop] for start, stop in found) == whole
        assert all(whole[stop - 1 : stop] == b"\n" for _, stop in found)


@pytest.fixture(params=[pytest.param(True, marks=pytest.mark.skipif("sys.platform != 'linux'")), False])
def shards(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several processes for the smallest file, as copies of this one or started afresh."""
    monkeypatch.setattr("punie.data.choose.curate.LEAST_BYTES", 0)
    monkeypatch.setattr("punie.data.choose.shards.may_fork", lambda: request.param)


@pytest.mark.usefixtures("shards")
def test_two_processes_write_what_one_writes(tmp_path: Path) -> None:
    """Rows, ledger and manifest are the same bytes, lines counted through, also without an end of the last line."""
    rows = [chat(2 + number % 5 // 2 * 2, f"text {number}") for number in range(200)]
    source = write(tmp_path / "in", train=rows, test=rows[:3])
    (source / "train.jsonl").write_bytes((source / "train.jsonl").read_bytes().rstrip())
    rules = [("min_messages", 4), ("script", "latin")]
    for processes in (1, 2, 3):
        run(source, tmp_path / str(processes), *rules, name="same", processes=processes)
    for name in ("train.jsonl", "test.jsonl", "removed.jsonl", "dataset.json"):
        assert (tmp_path / "2" / name).read_bytes() == (tmp_path / "1" / name).read_bytes()
        assert (tmp_path / "3" / name).read_bytes() == (tmp_path / "1" / name).read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"in", "1", "2", "3"}


@pytest.mark.usefixtures("shards")
def test_two_processes_tell_of_all_rows(tmp_path: Path) -> None:
    """What is done of the first range stands for all; then the rows of the others are copied, from 0 to the last."""
    source, heard = write(tmp_path / "in", train=[chat(2, f"text {number}") for number in range(90)]), list[Step]()
    run(source, tmp_path / "out", ("min_messages", 2), processes=3, progress=heard.append)
    judging, joining = ([step for step in heard if step.what == what] for what in ("filtering", "joining"))
    assert heard == judging + joining
    for steps in (judging, joining):
        assert [steps[0].done, steps[-1].done] == [0, steps[0].total]
    assert joining[0].total == pytest.approx(2 / 3 * judging[0].total, abs=100)


@pytest.mark.usefixtures("shards")
def test_a_child_tells_what_it_met(tmp_path: Path) -> None:
    """An invalid row in the second half has its own line number, and nothing is left behind."""
    source = write(tmp_path / "in", train=[*[chat(2)] * 50, b"{}", *[chat(2)] * 3])
    with pytest.raises(DataError) as caught:
        run(source, tmp_path / "out", ("min_messages", 2), processes=2)
    assert caught.value.where == f"{source / 'train.jsonl'}:51"
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
