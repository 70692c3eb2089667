"""Recipes: typing errors are named, and the same recipe with the same inputs gives the same bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from punie.data.choose.build import LOCK, Build, build
from punie.data.choose.recipe import Recipe, read_recipe
from punie.data.dataset import read_manifest
from punie.data.ledger import row_hash
from punie.data.source import open_source
from punie.errors import DataError, UsageError
from punie.files import hash_file, read_json, read_jsonl

WORDS = "apple river stone cloud green table music paper house light water bread chair grass horse metal".split()


def chat(number: int, turns: int = 2, **fields: Any) -> bytes:
    told = [" ".join(WORDS[(number * 7 + place * turn) % 16] for place in range(12)) for turn in range(1, turns + 1)]
    roles = ("user", "assistant")
    messages = [{"role": roles[turn % 2], "content": f"{text} {number}"} for turn, text in enumerate(told)]
    return json.dumps({"messages": messages, **fields}).encode()


def write(folder: Path, **splits: list[bytes]) -> Path:
    folder.mkdir()
    for split, rows in splits.items():
        (folder / f"{split}.jsonl").write_bytes(b"".join(row + b"\n" for row in rows))
    return folder


@pytest.fixture
def sources(tmp_path: Path) -> tuple[Path, Path]:
    a = write(tmp_path / "a", train=[chat(n, 2 + n % 3 * 2, category="x") for n in range(30)], test=[chat(100, 4)])
    b = write(tmp_path / "b", train=[chat(n, 4, category="y") for n in [*range(50, 80), 100, 55]], valid=[chat(90, 4)])
    return a, b


def recipe(*paths: Path, **keys: Any) -> Recipe:
    return Recipe.model_validate({"name": "mine", "sources": [{"path": str(path)} for path in paths], **keys})


def places(folder: Path) -> set[tuple[str, int]]:
    kept = {(row["file"], row["from"]) for _, row in read_jsonl(folder / "provenance.jsonl")}
    gone = [(row["file"], row["line"]) for _, row in read_jsonl(folder / "removed.jsonl")]
    assert len(gone) == len(set(gone))
    assert not kept & set(gone)
    return kept | set(gone)


FULL: dict[str, Any] = {
    "seed": 3,
    "rules": [{"min_messages": 3}, {"language": "en"}],
    "categories": {"caps": {"y": 20}},
    "dedup": {"threshold": 0.7, "allow_share": 100},
    "split": {"test": 25, "valid": 10},
}


def test_the_same_recipe_gives_the_same_bytes(tmp_path: Path, sources: tuple[Path, Path]) -> None:
    """Rows, ledger, origins, manifest and lock: no date, no chance, no draft's name."""
    for name in ("one", "two"):
        build(recipe(*sources, **FULL), tmp_path / name)
    names = {path.name for path in (tmp_path / "one").iterdir()}
    assert names >= {"train.jsonl", "test.jsonl", "removed.jsonl", "provenance.jsonl", "dataset.json", LOCK}
    assert names == {path.name for path in (tmp_path / "two").iterdir()}
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in names)


@pytest.mark.parametrize(
    "keys", [{}, {"split": {}}, {"dedup": {"allow_share": 100}}, FULL], ids=lambda keys: str([*keys])
)
def test_every_row_of_every_source_is_accounted_for(
    tmp_path: Path, sources: tuple[Path, Path], keys: dict[str, Any]
) -> None:
    """A row is kept or in the ledger, once, by the file and line where it first stood, whatever stage it met."""
    made = build(recipe(*sources, **keys), tmp_path / "out")
    everything = {
        (str(path), line): raw
        for source in sources
        for path in open_source(source).splits.values()
        for line, raw in enumerate(path.read_bytes().splitlines(), start=1)
    }
    assert places(tmp_path / "out") == set(everything)
    for _, row in read_jsonl(tmp_path / "out" / "removed.jsonl"):
        assert row["hash"] == row_hash(everything[row["file"], row["line"]])
    for _, row in read_jsonl(tmp_path / "out" / "provenance.jsonl"):
        split = (tmp_path / "out" / f"{row['split']}.jsonl").read_bytes().splitlines()
        assert split[row["line"] - 1] == everything[row["file"], row["from"]]
    assert made.stages["sources"] == len(everything)
    assert sum(made.manifest.counts.values()) == [*made.stages.values()][-1]


def test_removals_name_rows_of_the_sources(tmp_path: Path, sources: tuple[Path, Path]) -> None:
    """The row that a duplicate repeats is named where the user can read it, not in a draft."""
    a, b = sources
    build(recipe(a, b, rules=[{"min_messages": 3}]), tmp_path / "out")
    ledger = {row["rule"]: row for _, row in read_jsonl(tmp_path / "out" / "removed.jsonl")}
    assert ledger["leak"]["value"] == {"of": f"{a / 'test.jsonl'}:1"}
    assert (ledger["leak"]["file"], ledger["leak"]["line"]) == (str(b / "train.jsonl"), 31)
    assert ledger["duplicate"]["value"] == {"of": f"{b / 'train.jsonl'}:6"}


def test_a_task_is_not_taught(tmp_path: Path, sources: tuple[Path, Path]) -> None:
    """Rows that hold a task leave train, by their place in the sources; the lock says which benchmark it was."""
    prompt = "Return the sum of all the even numbers that stand in the given list of integers, or zero for none."
    task = {"messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": "return sum(...)"}]}
    suspect = write(tmp_path / "c", train=[json.dumps(task).encode(), chat(200, 4)], test=[chat(201, 4)])
    (tmp_path / "exam.jsonl").write_text(json.dumps({"task_id": "exam/1", "prompt": prompt, "tests": []}) + "\n")
    made = build(
        recipe(sources[0], suspect, decontaminate={"against": [str(tmp_path / "exam.jsonl")]}), tmp_path / "out"
    )
    assert made.stages["decontaminate"] == made.stages["merge"] - 1
    gone = [row for _, row in read_jsonl(tmp_path / "out" / "removed.jsonl") if row["rule"] == "prompt"]
    assert [(row["file"], row["line"]) for row in gone] == [(str(suspect / "train.jsonl"), 1)]
    assert list(read_json(tmp_path / "out" / LOCK)["benchmarks"]) == ["exam"]


def test_the_lock_proves_what_was_made(tmp_path: Path, sources: tuple[Path, Path]) -> None:
    """It holds what went in, what did the work and what came out."""
    made: Build = build(recipe(*sources, **FULL), tmp_path / "out")
    lock = read_json(tmp_path / "out" / LOCK)
    assert lock["fingerprint"] == made.manifest.fingerprint == read_manifest(tmp_path / "out").fingerprint
    assert lock["ledger"] == hash_file(tmp_path / "out" / "removed.jsonl")
    assert [entry["fingerprint"] for entry in lock["inputs"]] == [open_source(path).fingerprint() for path in sources]
    assert lock["seed"] == 3
    assert {"punie", "python", "msgspec"} <= set(lock["versions"])


def test_other_rows_than_agreed_are_refused(tmp_path: Path, sources: tuple[Path, Path]) -> None:
    """A source may be pinned; then it is those rows or none."""
    a, _ = sources
    for fingerprint, fits in ((open_source(a).fingerprint(), True), ("0" * 64, False)):
        pinned = Recipe.model_validate({"name": "m", "sources": [{"path": str(a), "fingerprint": fingerprint}]})
        if fits:
            build(pinned, tmp_path / "out")
        else:
            with pytest.raises(DataError, match="fingerprint"):
                build(pinned, tmp_path / "other")
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b", "out"}


def test_a_stage_that_leaves_nothing_leaves_nothing(tmp_path: Path, sources: tuple[Path, Path]) -> None:
    """The source whose rows all fail is named, and no draft remains."""
    with pytest.raises(DataError, match="Nothing is left") as caught:
        build(recipe(*sources, rules=[{"category": ["x"]}]), tmp_path / "out")
    assert str(sources[1]) in caught.value.where
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: m\nsource:\n- path: a", "sources"),
        ("name: m\nsources:\n- pth: a", "path"),
        ("name: m\nsources:\n- path: a\n  wieght: 1", "weight"),
        ("name: m\nsources:\n- path: a\nsplit: {tset: 5}", "test"),
        ("name: m\nsources:\n- path: a\nrules:\n- min_message: 3", "min_messages"),
        ("name: m\nsources:\n- path: a\nrules:\n- {min_messages: 3, min_chars: 2}", "one name"),
        ("name: m\nsources:\n- path: a\n  weight: 2", "weight"),
        ("name: m\nsources: []", "sources"),
        ("- a\n- b", "mapping"),
        ("name: [", "YAML"),
    ],
)
def test_a_typing_error_is_named(tmp_path: Path, text: str, words: str) -> None:
    """Keys nobody knows are refused, with the one that was meant."""
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_recipe(path)
    assert words in str(caught.value)
