"""Which file of a repository holds which split."""

from __future__ import annotations

import pytest

from punie.data.fetch.layout import choose, data_files
from punie.errors import DataError, UsageError

PAIRS = {
    "data/train-00000-of-00001.parquet": ("train", ""),
    "data/validation-00000-of-00001.parquet": ("valid", ""),
    "data/use_with_caution-00000-of-00001.parquet": ("use_with_caution", ""),
    "openai_humaneval/test-00000-of-00001.parquet": ("test", "openai_humaneval"),
    "full/train-00000-of-00001.parquet": ("train", "full"),
    "data/python/data-00003-of-00144.parquet": ("train", "python"),
    "glaive-function-calling-v2.json": ("train", ""),
    "dev.jsonl": ("valid", ""),
    "en/test.jsonl.gz": ("test", "en"),
    "test/part-0.jsonl": ("test", ""),
    "my-train_set.jsonl": ("train", ""),
    "contest.jsonl": ("train", ""),
}
NO_ROWS = ["README.md", "dataset_infos.json", ".gitattributes", ".cache/x.json", "rows.csv", "script.py"]


@pytest.mark.parametrize("path", PAIRS)
def test_names_of_files_tell_split_and_configuration(path: str) -> None:
    """The customs of the hub, one by one."""
    (file,) = data_files([path, *NO_ROWS])
    assert (file.path, file.split, file.config) == (path, *PAIRS[path])


def chosen(paths: list[str], split: str | None = None) -> dict[str, list[str]]:
    return {ours: [file.path for file in files] for ours, files in choose(data_files(paths), split).items()}


THREE = [
    "data/test-0-of-1.parquet",
    "data/train-0-of-2.parquet",
    "data/train-1-of-2.parquet",
    "data/val-0-of-1.parquet",
]


@pytest.mark.parametrize(
    ("paths", "split", "expected"),
    [
        (THREE, None, {"train": THREE[1:3], "valid": THREE[3:], "test": THREE[:1]}),
        (THREE, "test", {"train": THREE[:1]}),
        (THREE, "validation", {"train": THREE[3:]}),
        (["test.jsonl"], None, {"train": ["test.jsonl"]}),
        (["a/train.jsonl", "b/train.jsonl"], "b/train", {"train": ["b/train.jsonl"]}),
        (["a/train.jsonl", "default/train.jsonl"], None, {"train": ["default/train.jsonl"]}),
        (["train.parquet", "train.jsonl"], None, {"train": ["train.jsonl"]}),
    ],
)
def test_splits_are_chosen(paths: list[str], split: str | None, expected: dict[str, list[str]]) -> None:
    """A split that is asked for, or stands alone, becomes train; rows that lie there twice are taken once."""
    assert chosen(paths, split) == expected


@pytest.mark.parametrize(
    ("paths", "split", "says", "offers"),
    [
        (["a/train.jsonl", "b/train.jsonl"], None, "several configurations", "a/train, b/train"),
        (["a/train.jsonl", "b/train.jsonl"], "train", "several configurations", "a/train, b/train"),
        (["test.jsonl", "extra-0-of-1.jsonl"], None, "no train split", "extra, test"),
        (["train.jsonl"], "tset", "no split 'tset'", "train"),
    ],
)
def test_an_unclear_choice_names_what_there_is(paths: list[str], split: str | None, says: str, offers: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(UsageError, match=says) as caught:
        chosen(paths, split)
    assert offers in caught.value.hint


def test_a_repository_without_rows_is_an_error() -> None:
    """A repository of scripts has nothing to teach from."""
    with pytest.raises(DataError, match="no JSONL, JSON or Parquet"):
        chosen(NO_ROWS)
