"""Differences: every row on either side is accounted for, by id where there is one, by content elsewhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from punie.data.look.difference import Share, diff
from punie.errors import DataError, UsageError


def write(folder: Path, **splits: Sequence[Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in splits.items():
        (folder / f"{split}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return folder


def row(text: str, identity: Any = None, **others: Any) -> dict[str, Any]:
    return {"text": text, **others} if identity is None else {"id": identity, "text": text, **others}


def counts(before: Path, after: Path) -> tuple[int, int, int, int, int]:
    found = diff(before, after)
    return found.same, found.changed.count, found.added.count, found.removed.count, found.moved.count


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([row("a", 1)], [row("a", 1)], (1, 0, 0, 0, 0)),
        ([row("a", 1)], [row("b", 1)], (0, 1, 0, 0, 0)),
        ([row("a", 1)], [row("a", 2)], (1, 0, 0, 0, 0)),
        ([row("a", 1)], [row("b", 2)], (0, 0, 1, 1, 0)),
        ([row("a", 1)], [row("a")], (1, 0, 0, 0, 0)),
        ([row("a", 1)], [row("a", "1")], (1, 0, 0, 0, 0)),
        ([row("a"), row("a")], [row("a")], (1, 0, 0, 1, 0)),
        ([row("a", 1), row("b", 1)], [row("a", 1), row("c", 1), row("d", 1)], (1, 1, 1, 0, 0)),
        ([row("a", 1), row("b", 2)], [row("b", 2), row("a", 1)], (2, 0, 0, 0, 0)),
        ([row("a", 0, n=1)], [{"n": 1, "text": "a", "id": 0}], (1, 0, 0, 0, 0)),
        ([row("a", 1, n=1)], [row("a", 1, n=True)], (0, 1, 0, 0, 0)),
    ],
)
def test_rows_are_matched_by_id_then_by_content(
    tmp_path: Path, before: list[Any], after: list[Any], expected: tuple[int, ...]
) -> None:
    """Same, changed, added, removed, moved."""
    assert counts(write(tmp_path / "a", train=before), write(tmp_path / "b", train=after)) == expected


def test_rows_are_named_by_their_place(tmp_path: Path) -> None:
    """What is new or other is named in the new dataset, what is gone in the old one, and a move is not a change."""
    before = write(tmp_path / "a", train=[row("a", 1), row("b", 2)], valid=[row("c", 3), row("d", 4)])
    after = write(tmp_path / "b", train=[row("c", 3), row("B", 2)], valid=[row("d", 4)], test=[row("e")])
    found = diff(before, after)
    assert found.changed.places == (f"{after}/train.jsonl:2",)
    assert found.moved.places == (f"{after}/train.jsonl:1",)
    assert found.added.places == (f"{after}/test.jsonl:1",)
    assert found.removed.places == (f"{before}/train.jsonl:1",)
    assert (found.rows_before, found.rows_after, found.same) == (4, 4, 2)


def test_shares_stand_side_by_side(tmp_path: Path) -> None:
    """By split and by category, which may be a field or in metadata; rows without one are counted as such."""
    coded = [row("a", category="code"), row("b", metadata={"category": "code"}), row("c", category="chat"), row("d")]
    before, after = write(tmp_path / "a", train=coded), write(tmp_path / "b", train=coded[:1], valid=coded[3:])
    found = diff(before, after)
    assert found.splits == (Share("train", 4, 1, 1.0, 0.5), Share("valid", 0, 1, 0.0, 0.5))
    assert found.categories == (
        Share("code", 2, 1, 0.5, 0.5),
        Share("chat", 1, 0, 0.25, 0.0),
        Share("(none)", 1, 1, 0.25, 0.5),
    )


def test_only_some_places_are_kept(tmp_path: Path) -> None:
    """A thousand added rows are counted and the first of them are named."""
    before = write(tmp_path / "a", train=[row("x")])
    after = write(tmp_path / "b", train=[row("x"), *[row(str(n)) for n in range(1000)]])
    added = diff(before, after, shown=3).added
    assert (added.count, added.places) == (1000, tuple(f"{after}/train.jsonl:{n}" for n in (2, 3, 4)))


def test_bad_input_is_named(tmp_path: Path) -> None:
    """A path that is no dataset, and a line that is no row."""
    good = write(tmp_path / "a", train=[row("x")])
    with pytest.raises(UsageError, match="no such dataset"):
        diff(good, tmp_path / "nowhere")
    with pytest.raises(DataError) as caught:
        diff(good, write(tmp_path / "b", train=[row("x"), "text"]))
    assert caught.value.where == f"{tmp_path}/b/train.jsonl:2"


SPLIT = st.lists(st.builds(row, st.sampled_from("abc"), st.none() | st.integers(0, 3)), max_size=6)
DATASET = st.fixed_dictionaries({"train": SPLIT, "valid": SPLIT})


@settings(deadline=None)
@given(DATASET, DATASET)
def test_the_sums_close(tmp_path_factory: pytest.TempPathFactory, left: dict[str, Any], right: dict[str, Any]) -> None:
    """Before is same, changed and removed; after is same, changed and added; the other way round they swap."""
    folder = tmp_path_factory.mktemp("diff")
    before, after = write(folder / "a", **left), write(folder / "b", **right)
    same, changed, added, removed, moved = counts(before, after)
    assert same + changed + removed == len(left["train"]) + len(left["valid"])
    assert same + changed + added == len(right["train"]) + len(right["valid"])
    assert counts(after, before) == (same, changed, removed, added, moved)
    assert counts(before, before)[1:] == (0, 0, 0, 0)
