"""The embedded datasets."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from punie.data.check.validation import validate
from punie.data.dataset import read_manifest
from punie.data.source import SPLITS
from punie.errors import UsageError
from punie.files import read_jsonl
from punie.generate.sample import EMBEDDED, tiny_recipe, write_sample, write_tiny
from punie.generate.written import Row, written_chats

FENCED = re.compile(r"```python\n(.*?)```", re.DOTALL)


def rows(folder: Path, split: str) -> list[Row]:
    return [row for _, row in read_jsonl(folder / f"{split}.jsonl")]


def all_rows(folder: Path) -> list[Row]:
    return [row for split in SPLITS for row in rows(folder, split)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("data")
    for name, write in EMBEDDED.items():
        write(folder / name, 600, 5)
    return {name: folder / name for name in EMBEDDED}


@pytest.mark.parametrize("name", EMBEDDED)
def test_every_row_can_be_taught_from(folders: dict[str, Path], name: str) -> None:
    """The dataset passes its own check, split 90 to 5 to 5, and says what it was made from."""
    validation = validate(folders[name])
    validation.require_sound()
    assert validation.counts == read_manifest(folders[name]).counts == {"train": 540, "valid": 30, "test": 30}
    assert set(validation.shapes) <= {"chat with tools", "chat"}


@pytest.mark.parametrize("name", EMBEDDED)
def test_splits_share_no_row_and_no_question(folders: dict[str, Path], name: str) -> None:
    """What is validated on was not taught."""
    found = all_rows(folders[name])
    questions = [next(m["content"] for m in row["messages"] if m["role"] == "user") for row in found]
    assert len(set(questions)) == len({row["id"] for row in found}) == len(found) == 600


def test_tiny_splits_hold_the_kinds_alike(folders: dict[str, Path]) -> None:
    """A third of each kind in every split, and the recipe that the quickstart looks for."""
    for split in SPLITS:
        kinds = Counter(row["category"] for row in rows(folders["tiny"], split))
        assert len(kinds) == 3
        assert len(set(kinds.values())) == 1
    assert read_manifest(folders["tiny"]).recipe == tiny_recipe(600, 5)


def test_tiny_has_the_bytes_it_always_had(tmp_path: Path) -> None:
    """The quickstart of a seed trains on the same files in every version."""
    manifest = write_tiny(tmp_path / "tiny", 60, 1)
    assert manifest.fingerprint == "f69629344492aebb59f4324f78976dde2aafb708626e1d0ac668038ff7d29047"


@pytest.mark.parametrize("name", EMBEDDED)
def test_the_same_seed_gives_the_same_bytes(folders: dict[str, Path], tmp_path: Path, name: str) -> None:
    """Two people who name the same seed train on the same files; another seed gives others."""
    write = EMBEDDED[name]
    again, other = write(tmp_path / "again", 600, 5), write(tmp_path / "other", 600, 6)
    assert again.hashes == read_manifest(folders[name]).hashes
    assert not set(again.hashes.values()) & set(other.hashes.values())


@pytest.mark.parametrize("name", EMBEDDED)
def test_too_few_for_three_splits_is_said(tmp_path: Path, name: str) -> None:
    """Nothing is written where a split would be empty."""
    with pytest.raises(UsageError, match="19 examples are too few"):
        EMBEDDED[name](tmp_path / name, 19, 1)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("seed", range(5))
def test_a_small_sample_is_written_conversations_of_every_length(tmp_path: Path, seed: int) -> None:
    """The first rows are the varied ones, and in each split of fifty some have three messages or more."""
    write_sample(tmp_path / "sample", 50, seed)
    found = all_rows(tmp_path / "sample")
    assert all(row["id"].startswith("written-") for row in found)
    assert len({row["category"] for row in found}) >= 5
    assert sum(len(row["messages"]) >= 3 for row in rows(tmp_path / "sample", "train")) >= 15


def test_written_conversations_are_many_and_different() -> None:
    """At least sixty, no question or answer twice, with every kind of turn."""
    chats = written_chats()
    assert len(chats) >= 60
    assert len({chat["messages"][-1].get("content") or str(chat["messages"][-1]) for chat in chats}) == len(chats)
    turns = Counter(message["role"] for chat in chats for message in chat["messages"])
    assert min(turns[role] for role in ("system", "user", "assistant", "tool")) >= 15


def test_written_calls_fit_their_declarations() -> None:
    """Every call is to a tool that the chat offers, with exactly the arguments it declares."""
    for chat in written_chats():
        offered = {tool["function"]["name"]: tool["function"]["parameters"] for tool in chat.get("tools", ())}
        for call in (call for message in chat["messages"] for call in message.get("tool_calls", ())):
            assert set(call["function"]["arguments"]) == set(offered[call["function"]["name"]]["required"]), chat["id"]


def test_written_python_parses() -> None:
    """Nobody is taught a syntax error."""
    blocks = [
        block for chat in written_chats() for m in chat["messages"] for block in FENCED.findall(m["content"] or "")
    ]
    assert len(blocks) >= 15
    for block in blocks:
        ast.parse(block)
