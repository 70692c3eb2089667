"""Own answers and replayed rows as one dataset."""

from __future__ import annotations

from pathlib import Path

import pytest

from punie.data.writer import write_dataset
from punie.files import read_jsonl, write_jsonl
from punie.improvement.mixing import mix


def chat(asked: str) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": "yes"}]}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    write_dataset(tmp_path / "rows", "rows", {"train": [chat(f"own {number}") for number in range(6)]}, {})
    return tmp_path / "rows"


def replayed(folder: Path) -> set[str]:
    texts = {row["messages"][0]["content"] for _, row in read_jsonl(folder / "train.jsonl")}
    return {text for text in texts if text.startswith("first")}


@pytest.mark.parametrize(
    ("share", "there", "rows"),
    [(0.5, 20, 12), (0.25, 20, 8), (0.9, 20, 26), (0.01, 20, 7)],
)
def test_a_share_of_the_rows_is_replayed(own: Path, tmp_path: Path, share: float, there: int, rows: int) -> None:
    """Rounded, at least one, and no more than there are."""
    replay = tmp_path / "train.jsonl"
    write_jsonl(replay, (chat(f"first {number}") for number in range(there)))
    assert mix(own, replay, tmp_path / "data", share, 1) == rows
    assert len(replayed(tmp_path / "data")) == rows - 6


def test_every_round_replays_others_and_the_same_again(own: Path, tmp_path: Path) -> None:
    """By the seed; a file may be called like the rows themselves."""
    replay = tmp_path / "elsewhere" / "rows.jsonl"
    write_jsonl(replay, (chat(f"first {number}") for number in range(40)))
    for name, seed in (("a", 1), ("b", 2), ("c", 1)):
        mix(own, replay, tmp_path / name, 0.5, seed)
    first, second, again = (replayed(tmp_path / name) for name in "abc")
    assert first == again != second


def test_without_a_replay_its_own_answers_are_all(own: Path, tmp_path: Path) -> None:
    """And what lies there is not made again."""
    assert mix(own, None, tmp_path / "data", 0.5, 1) == 6
    assert mix(own, tmp_path / "nowhere.jsonl", tmp_path / "data", 0.5, 1) == 6
