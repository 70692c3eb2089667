"""The sample dataset."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from punie.data.dataset import read_manifest
from punie.data.source import SPLITS
from punie.data.validation import validate
from punie.errors import UsageError
from punie.files import read_jsonl
from punie.generate.sample import sample_recipe, write_sample


def rows(folder: Path, split: str) -> list[dict]:
    return [row for _, row in read_jsonl(folder / f"{split}.jsonl")]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "sample"
    write_sample(folder, 600, seed=5)
    return folder


def test_every_row_can_be_taught_from(sample: Path) -> None:
    """The dataset passes its own check, split 90 to 5 to 5, and says what it was made from."""
    validation = validate(sample)
    validation.require_sound()
    assert validation.counts == read_manifest(sample).counts == {"train": 540, "valid": 30, "test": 30}
    assert validation.shapes == {"chat with tools": 200, "chat": 400}
    assert read_manifest(sample).recipe == sample_recipe(600, 5)


def test_splits_share_no_question(sample: Path) -> None:
    """What is validated on was not taught."""
    questions = [row["messages"][0]["content"] for split in SPLITS for row in rows(sample, split)]
    assert len(set(questions)) == len(questions) == 600


def test_splits_hold_the_kinds_alike(sample: Path) -> None:
    """A third of each kind in every split."""
    for split in SPLITS:
        kinds = Counter(row["category"] for row in rows(sample, split))
        assert len(kinds) == 3
        assert len(set(kinds.values())) == 1


def test_the_same_seed_gives_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    """Two people who name the same seed train on the same files; another seed gives others."""
    again, other = write_sample(tmp_path / "again", 600, seed=5), write_sample(tmp_path / "other", 600, seed=6)
    assert again.hashes == read_manifest(sample).hashes
    assert not set(again.hashes.values()) & set(other.hashes.values())


def test_too_few_for_three_splits_is_said(tmp_path: Path) -> None:
    """Nothing is written where a split would be empty."""
    with pytest.raises(UsageError, match="19 examples are too few"):
        write_sample(tmp_path / "sample", 19, seed=1)
    assert not (tmp_path / "sample").exists()
