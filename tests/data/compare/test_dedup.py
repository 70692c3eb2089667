"""Duplicates: every removed row names the kept one it repeats, and how alike they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from punie.data.choose.build import build
from punie.data.choose.merge import merge
from punie.data.choose.recipe import Recipe
from punie.data.compare.dedup import dedup
from punie.data.source import open_source
from punie.errors import DataError, UsageError
from punie.files import read_jsonl

WORDS = [f"word{number}" for number in range(200)]
LONG = " ".join(WORDS)


def write(folder: Path, **splits: Sequence[dict[str, Any] | str]) -> Path:
    folder.mkdir(parents=True)
    for split, rows in splits.items():
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        (folder / f"{split}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder


def ask(question: str, answer: str = "yes", **more: Any) -> dict[str, Any]:
    return {"prompt": question, "completion": answer, **more}


def changed(*places: int) -> str:
    return " ".join("other" if place in places else word for place, word in enumerate(WORDS))


def removed(folder: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_jsonl(folder / "removed.jsonl")] if (folder / "removed.jsonl").exists() else []


def texts(folder: Path, split: str = "train") -> list[str]:
    return [row["prompt"] for _, row in read_jsonl(folder / f"{split}.jsonl")]


def test_equal_texts_differ_in_case_and_white_space_alone(tmp_path: Path) -> None:
    """The first of equal texts stays, byte for byte; the ledger names it for the others."""
    first = '{"prompt": "Say  HI", "completion": "hi", "id": 1}'
    source = write(tmp_path / "a", train=[first, ask("say hi", "Hi"), ask("say hi", "bye"), ask("Sａy\nhi", "hi")])
    result = dedup(source, tmp_path / "b", allow_share=50)
    assert (tmp_path / "b/train.jsonl").read_text().splitlines()[0] == first
    assert [(row["line"], row["rule"], row["value"]) for row in removed(tmp_path / "b")] == [
        (2, "duplicate", {"similarity": 1.0, "of": f"{source}/train.jsonl:1"}),
        (4, "duplicate", {"similarity": 1.0, "of": f"{source}/train.jsonl:1"}),
    ]
    assert result.manifest.counts == {"train": 2}


@pytest.mark.parametrize(
    "difference",
    [
        {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}], "tools": [{"a": 1}]},
        {"messages": [{"role": "assistant", "content": "hi"}, {"role": "assistant", "content": "yo"}]},
        {
            "messages": [
                {"role": "system", "content": "s"},
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": "yo"},
            ]
        },
    ],
)
def test_other_tools_roles_or_instructions_make_another_row(tmp_path: Path, difference: dict[str, Any]) -> None:
    """Rows with the same words teach different things where their tools, roles or system prompts differ."""
    plain = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}]}
    source = write(tmp_path / "a", train=[plain, difference])
    assert dedup(source, tmp_path / "b", exact_only=True).manifest.counts == {"train": 2}


def test_a_near_copy_goes_with_its_similarity(tmp_path: Path) -> None:
    """One changed word of 200 changes 5 of 196 runs: 191 are shared of 201."""
    source = write(tmp_path / "a", train=[ask(LONG), ask(changed(100)), ask("else")])
    dedup(source, tmp_path / "b", allow_share=50)
    (row,) = removed(tmp_path / "b")
    assert (row["rule"], row["line"], row["threshold"]) == ("near duplicate", 2, 0.8)
    # The answer adds one word to the dialogue, and so one run.
    assert row["value"] == {"similarity": round(192 / 202, 4), "of": f"{source}/train.jsonl:1"}


def test_there_are_no_chains(tmp_path: Path) -> None:
    """a resembles b and b resembles c, but c does not resemble a: a and c stay."""
    a, b, c = LONG, changed(20, 60, 100), changed(20, 60, 100, 120, 140, 180)
    result = dedup(write(tmp_path / "a", train=map(ask, (a, b, c))), tmp_path / "b", allow_share=50)
    assert texts(tmp_path / "b") == [a, c]
    assert result.manifest.removed == {"near duplicate": 1}


def test_what_stands_in_test_leaves_train(tmp_path: Path) -> None:
    """Across splits a copy is removed from train or valid, never from test, whichever file is first."""
    source = write(
        tmp_path / "a", train=[ask(LONG), ask("mine")], valid=[ask("v"), ask("t")], test=[ask(changed(9)), ask("t")]
    )
    dedup(source, tmp_path / "b", allow_share=50)
    assert {split: texts(tmp_path / "b", split) for split in ("train", "valid", "test")} == {
        "train": ["mine"],
        "valid": ["v"],
        "test": [changed(9), "t"],
    }


def test_an_equal_row_of_a_near_copy_names_what_was_kept(tmp_path: Path) -> None:
    """The row named in the ledger is always one that stayed."""
    source = write(tmp_path / "a", train=[ask(LONG), ask(changed(5)), ask(changed(5))])
    dedup(source, tmp_path / "b", allow_share=90)
    assert {row["value"]["of"] for row in removed(tmp_path / "b")} == {f"{source}/train.jsonl:1"}


def test_too_many_copies_of_one_source_stop_it(tmp_path: Path) -> None:
    """Above 20 % of one source nothing is written, and the source and the option are named."""
    rows = [*(ask(f"q{number}", source="good") for number in range(20)), *[ask("same", source="bad")] * 2]
    source = write(tmp_path / "a", train=rows)
    with pytest.raises(DataError, match=r"1 of 2 rows \(50.0 %\).*bad.*\n.*--allow-share 51"):
        dedup(source, tmp_path / "b")
    assert not (tmp_path / "b").exists()
    shares = dedup(source, tmp_path / "b", allow_share=51).shares
    assert {name: (share.rows, share.removed) for name, share in shares.items()} == {"good": (20, 0), "bad": (2, 1)}


def test_bad_rows_are_named_and_nothing_is_written(tmp_path: Path) -> None:
    """A line that is no row ends it with file:line."""
    source = write(tmp_path / "a", train=[ask("a"), "{"])
    with pytest.raises(DataError, match=r"train.jsonl:2"):
        dedup(source, tmp_path / "b")
    with pytest.raises(UsageError, match="no such dataset"):
        dedup(tmp_path / "nowhere", tmp_path / "b")
    assert {path.name for path in tmp_path.iterdir()} == {"a"}


POOL = [LONG, changed(3), changed(3, 90), changed(*range(0, 200, 9)), "short", "Short ", "other short", "1 2 3 4 5 6 7"]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(POOL), min_size=1, max_size=12), st.lists(st.sampled_from(POOL), max_size=6))
def test_kept_and_removed_rows_add_up(
    tmp_path_factory: pytest.TempPathFactory, train: list[str], test: list[str]
) -> None:
    """Every row is kept in its order or in the ledger once; a second run finds nothing more to remove."""
    folder = tmp_path_factory.mktemp("dedup")
    only = ask("in train alone")
    source = write(folder / "a", train=[only, *map(ask, train)], **({"test": list(map(ask, test))} if test else {}))
    dedup(source, folder / "b", allow_share=100)
    for split, path in open_source(source).splits.items():
        rows = path.read_bytes().splitlines()
        gone = {row["line"] for row in removed(folder / "b") if row["file"] == str(path)}
        kept = (folder / "b" / f"{split}.jsonl").read_bytes().splitlines()
        assert kept == [row for line, row in enumerate(rows, start=1) if line not in gone]
    again = dedup(folder / "b", folder / "c", allow_share=0)
    assert again.manifest.removed == {}


def test_a_source_is_what_was_merged(tmp_path: Path) -> None:
    """Of a merged dataset the share is taken of each dataset it came from, though all rows stand in one file."""
    good = write(tmp_path / "good", train=[ask(" ".join(f"g{row}x{word}" for word in range(30))) for row in range(40)])
    poor = write(tmp_path / "poor", train=[ask(LONG), ask(changed(3)), ask("a b c d e f")])
    merge([good, poor], tmp_path / "merged", name="merged")
    with pytest.raises(DataError, match="1 of 3 rows") as caught:
        dedup(tmp_path / "merged", tmp_path / "once")
    assert caught.value.where == "poor"
    shares = dedup(tmp_path / "merged", tmp_path / "once", allow_share=40).shares
    assert {source: (share.rows, share.removed) for source, share in shares.items()} == {
        "good": (40, 0),
        "poor": (3, 1),
    }


def test_a_recipe_names_the_source_of_too_many_copies(tmp_path: Path) -> None:
    """By the path it was given, not by what a stage calls it."""
    poor = write(tmp_path / "poor", train=[ask(LONG), ask(changed(3)), ask("a b c d e f")])
    recipe = Recipe.model_validate({"name": "mine", "sources": [{"path": str(poor)}], "dedup": {}})
    with pytest.raises(DataError, match="1 of 3 rows") as caught:
        build(recipe, tmp_path / "made")
    assert caught.value.where == str(poor)
