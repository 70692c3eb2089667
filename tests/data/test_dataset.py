"""Dataset folders: whole or not there, and every bad row by its place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from punie.data.dataset import Manifest, read_manifest, validate_dataset
from punie.data.writer import write_dataset
from punie.errors import DataError, UsageError
from punie.files import hash_file, read_jsonl

CHATS = [
    {"messages": [{"role": "user", "content": f"é {n}"}, {"role": "assistant", "content": "ok"}], "mine": {"n": n}}
    for n in range(5)
]
SPLITS = {"train": CHATS[:3], "valid": CHATS[3:4], "test": CHATS[4:]}


def write(folder: Path, **splits: Any) -> Manifest:
    return write_dataset(folder, "mine", splits or SPLITS, {"seed": 1})


def write_lines(folder: Path, split: str, *lines: str) -> None:
    (folder / f"{split}.jsonl").write_text("".join(f"{line}\n" for line in lines))


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    """Rows keep all their keys; the manifest says how many there are and what each file hashes to."""
    manifest = write(tmp_path / "a" / "data")
    assert read_manifest(tmp_path / "a" / "data") == manifest
    assert manifest.counts == {"train": 3, "valid": 1, "test": 1}
    for split, rows in SPLITS.items():
        path = tmp_path / "a" / "data" / f"{split}.jsonl"
        assert [row for _, row in read_jsonl(path)] == rows
        assert manifest.hashes[split] == hash_file(path)
    validate_dataset(tmp_path / "a" / "data").require_sound()


def test_the_folder_is_for_everyone_to_read(tmp_path: Path) -> None:
    """A dataset has the permissions of any other new folder, and nothing lies beside it."""
    write(tmp_path / "data")
    (tmp_path / "other").mkdir()
    assert (tmp_path / "data").stat().st_mode == (tmp_path / "other").stat().st_mode
    assert {path.name for path in tmp_path.iterdir()} == {"data", "other"}


def test_an_empty_folder_may_be_used(tmp_path: Path) -> None:
    """A folder that was made beforehand, or a link to one, is filled."""
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to("data")
    write(tmp_path / "link")
    assert read_manifest(tmp_path / "data").name == "mine"


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    """Neither a dataset nor anything else is written over."""
    write(tmp_path / "data")
    (tmp_path / "notes.txt").write_text("mine")
    for taken in (tmp_path / "data", tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(UsageError, match="in use"):
            write(taken)
    assert {path.name for path in tmp_path.iterdir()} == {"data", "notes.txt"}


class BreaksAfterOne(list[dict[str, Any]]):
    def __iter__(self) -> Iterator[dict[str, Any]]:
        yield CHATS[0]
        raise RuntimeError("the source broke")


def test_a_failing_write_leaves_nothing(tmp_path: Path) -> None:
    """Whatever breaks on the way, no half dataset lies anywhere."""
    with pytest.raises(RuntimeError, match="the source broke"):
        write(tmp_path / "data", train=CHATS, valid=BreaksAfterOne())
    assert not list(tmp_path.iterdir())


def test_shapes_and_splits_are_counted(tmp_path: Path) -> None:
    """Only train is needed; chats with tools are counted apart."""
    with_tools = {**CHATS[0], "tools": [{"type": "function", "function": {"name": "f"}}]}
    write_lines(tmp_path, "train", *map(json.dumps, [*CHATS, with_tools]))
    validation = validate_dataset(tmp_path)
    assert validation.counts == {"train": 6}
    assert validation.shapes == {"chat": 5, "chat with tools": 1}
    assert not validation.problems


def test_every_bad_row_is_named_by_its_place(tmp_path: Path) -> None:
    """File and line of each, over all splits, in one error."""
    write_lines(tmp_path, "train", "{}", '{"text": "a"}', '{"text": ""}', '{"prompt": "a", "completion": "b"}')
    write_lines(tmp_path, "valid", '{"text": "a"}', '{"text": 7}')
    validation = validate_dataset(tmp_path)
    assert [(problem.where.removeprefix(f"{tmp_path}/"), problem.why) for problem in validation.problems] == [
        ("train.jsonl:1", "has neither messages, nor prompt and completion, nor text"),
        ("train.jsonl:3", "text must be a text that is not empty"),
        ("train.jsonl:4", "is a completion row in a file that begins with a text row"),
        ("valid.jsonl:2", "text must be a text that is not empty"),
    ]
    with pytest.raises(DataError, match="cannot be taught from: 4") as caught:
        validation.require_sound()
    assert f"{tmp_path}/train.jsonl:3: text must be" in caught.value.hint


def test_a_thousand_bad_rows_do_not_fill_the_screen(tmp_path: Path) -> None:
    """The first ten are shown, the others are counted."""
    write_lines(tmp_path, "train", *["{}"] * 1000)
    with pytest.raises(DataError, match="1000") as caught:
        validate_dataset(tmp_path).require_sound()
    assert caught.value.hint.splitlines()[9:] == [
        f"{tmp_path}/train.jsonl:10: has neither messages, nor prompt and completion, nor text",
        "... and 990 more",
    ]


@pytest.mark.parametrize("line", ["{oops", "", "[1]", '"text"'])
def test_a_line_that_is_no_object_is_named(tmp_path: Path, line: str) -> None:
    """A broken file says which line breaks it."""
    write_lines(tmp_path, "train", '{"text": "a"}', line, '{"text": "b"}')
    with pytest.raises(DataError) as caught:
        validate_dataset(tmp_path)
    assert caught.value.where == f"{tmp_path}/train.jsonl:2"


def test_an_empty_train_split_is_an_error(tmp_path: Path) -> None:
    """There is nothing to teach, whatever the other splits hold."""
    with pytest.raises(DataError, match="Nothing is left"):
        write(tmp_path / "data", train=[], valid=CHATS)
    assert not list(tmp_path.iterdir())
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.jsonl").touch()
    with pytest.raises(DataError, match="train split is empty"):
        validate_dataset(tmp_path / "data")


def test_a_folder_without_train_is_no_dataset(tmp_path: Path) -> None:
    """A wrong path is the user's to correct."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UsageError, match=r"no train\.jsonl"):
            validate_dataset(folder)


@pytest.mark.parametrize(("changes", "key"), [({"format": 2}, "format"), ({"counts": 3}, "counts"), ({"x": 1}, "x")])
def test_a_manifest_of_another_kind_is_refused(tmp_path: Path, changes: dict[str, Any], key: str) -> None:
    """A dataset.json of a later version is not half understood; the error names the key."""
    manifest = write(tmp_path / "data")
    (tmp_path / "data" / "dataset.json").write_text(json.dumps({**manifest.model_dump(), **changes}))
    with pytest.raises(DataError, match="version can read") as caught:
        read_manifest(tmp_path / "data")
    assert caught.value.where.endswith(f"dataset.json, key {key}")
