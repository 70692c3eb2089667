"""Dataset folders: whole or not there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from punie.data.check.validation import validate
from punie.data.dataset import Manifest, read_manifest
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


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    """Rows keep all their keys; the manifest says how many there are and what each file hashes to."""
    manifest = write(tmp_path / "a" / "data")
    assert read_manifest(tmp_path / "a" / "data") == manifest
    assert manifest.counts == {"train": 3, "valid": 1, "test": 1}
    for split, rows in SPLITS.items():
        path = tmp_path / "a" / "data" / f"{split}.jsonl"
        assert [row for _, row in read_jsonl(path)] == rows
        assert manifest.hashes[split] == hash_file(path)
    validate(tmp_path / "a" / "data").require_sound()


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


def test_an_empty_train_split_is_not_written(tmp_path: Path) -> None:
    """There is nothing to teach, whatever the other splits hold."""
    with pytest.raises(DataError, match="Nothing is left"):
        write(tmp_path / "data", train=[], valid=CHATS)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("changes", "key"), [({"format": 2}, "format"), ({"counts": 3}, "counts"), ({"x": 1}, "x")])
def test_a_manifest_of_another_kind_is_refused(tmp_path: Path, changes: dict[str, Any], key: str) -> None:
    """A dataset.json of a later version is not half understood; the error names the key."""
    manifest = write(tmp_path / "data")
    (tmp_path / "data" / "dataset.json").write_text(json.dumps({**manifest.model_dump(), **changes}))
    with pytest.raises(DataError, match="version can read") as caught:
        read_manifest(tmp_path / "data")
    assert caught.value.where.endswith(f"dataset.json, key {key}")
