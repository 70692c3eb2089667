"""Merging: shares and caps that hold, every text once, no test row in train, each row's origin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from punie.data.choose.merge import Merging, Mixture, merge
from punie.errors import DataError, UsageError
from punie.files import read_jsonl


def row(text: str, **fields: Any) -> bytes:
    return json.dumps({"prompt": text, "completion": "Yes.", **fields}).encode()


def rows(word: str, count: int, **fields: Any) -> list[bytes]:
    return [row(f"{word} {number}", **fields) for number in range(count)]


def write(folder: Path, **splits: list[bytes]) -> Path:
    folder.mkdir()
    for split, lines in splits.items():
        (folder / f"{split}.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    return folder


def merged(tmp_path: Path, *sources: Path, output: str = "out", **mixture: Any) -> Merging:
    return merge(sources, tmp_path / output, name="both", mixture=Mixture(**mixture))


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


def test_splits_stay_apart_and_in_order(tmp_path: Path) -> None:
    """Each split is the sources' own, one after the other, byte for byte."""
    a = write(tmp_path / "a", train=rows("a", 3), test=rows("at", 2))
    b = write(tmp_path / "b", train=rows("b", 2), valid=rows("bv", 1))
    manifest = merged(tmp_path, a, b).manifest
    assert manifest.counts == {"train": 5, "valid": 1, "test": 2}
    assert lines(tmp_path / "out" / "train.jsonl") == rows("a", 3) + rows("b", 2)
    assert [(parent.path, parent.rows) for parent in manifest.parents] == [(str(a), 5), (str(b), 3)]


def test_a_text_stands_once(tmp_path: Path) -> None:
    """Case and white space make no other text; the row of the source named first stays."""
    a = write(tmp_path / "a", train=[row("Sort a list."), row("x")])
    b = write(tmp_path / "b", train=[row("sort  a LIST."), row("y")])
    assert merged(tmp_path, a, b).manifest.removed == {"duplicate": 1}
    removal = next(row for _, row in read_jsonl(tmp_path / "out" / "removed.jsonl"))
    assert removal["file"] == str(b / "train.jsonl")
    assert removal["value"] == {"of": f"{a / 'train.jsonl'}:1"}


def test_a_test_row_leaves_train(tmp_path: Path) -> None:
    """What one source tests with, another does not teach; the test row stays."""
    a = write(tmp_path / "a", train=[row("shared"), row("x"), row("seen")])
    b = write(tmp_path / "b", train=[row("y")], valid=[row("seen")], test=[row("shared")])
    manifest = merged(tmp_path, a, b).manifest
    assert manifest.removed == {"leak": 2}
    assert manifest.counts == {"train": 2, "valid": 1, "test": 1}
    assert lines(tmp_path / "out" / "train.jsonl") == [row("x"), row("y")]


def test_every_row_has_an_origin(tmp_path: Path) -> None:
    """A line of the result leads to the line it was."""
    a = write(tmp_path / "a", train=rows("a", 4), test=rows("t", 1))
    b = write(tmp_path / "b", train=[row("a 2"), *rows("b", 2)])
    merged(tmp_path, a, b, caps={"a": 3})
    origins = [row for _, row in read_jsonl(tmp_path / "out" / "provenance.jsonl")]
    assert len(origins) == sum(len(lines(path)) for path in (tmp_path / "out").glob("t*.jsonl"))
    for origin in origins:
        made = lines(tmp_path / "out" / f"{origin['split']}.jsonl")[origin["line"] - 1]
        assert lines(Path(origin["file"]))[origin["from"] - 1] == made


def test_caps_and_shares_hold(tmp_path: Path) -> None:
    """A cap is met exactly, a share roughly; the sum still closes, and the ledger says which of them it was."""
    a = write(tmp_path / "a", train=rows("a", 400, category="x"))
    b = write(tmp_path / "b", train=rows("b", 100, category="x") + rows("c", 50, metadata={"category": "y"}))
    merging = merged(tmp_path, a, b, weights={"a": 0.5}, caps={"b": 120}, category_caps={"y": 10})
    removed = merging.manifest.removed
    assert merging.rows == {"a": 400, "b": 150}
    assert 160 < merging.kept["a"] < 240
    assert removed["cap"] == 30
    assert sum(removed.values()) + merging.manifest.counts["train"] == 550
    assert sum(b'"y"' in line for line in lines(tmp_path / "out" / "train.jsonl")) == 10


def test_the_draw_depends_on_the_seed_and_the_text(tmp_path: Path) -> None:
    """The same seed draws the same rows wherever they stand; another one draws others."""
    a = write(tmp_path / "a", train=rows("a", 60))
    turned = write(tmp_path / "turned", train=rows("a", 60)[::-1])
    results = {}
    for name, source, seed in (("one", a, 0), ("again", turned, 0), ("other", a, 1)):
        merged(tmp_path, source, output=name, caps={source.name: 20}, seed=seed)
        results[name] = set(lines(tmp_path / name / "train.jsonl"))
    assert results["one"] == results["again"]
    assert results["one"] != results["other"]


@pytest.mark.parametrize(
    ("mixture", "words"),
    [
        ({"weights": {"aa": 0.5}}, "Did you mean a"),
        ({"caps": {"c": 5}}, "a, b"),
        ({"weights": {"a": 2.0}}, "never repeated"),
        ({"weights": {"a": 0.0}}, "over 0"),
        ({"caps": {"a": 0}}, "at least 1"),
        ({"category_caps": {"z": 5}}, "called 'z'"),
    ],
)
def test_a_share_of_nothing_is_refused(tmp_path: Path, mixture: dict[str, Any], words: str) -> None:
    """A name that nobody has and a number that makes no sense change nothing in silence."""
    a = write(tmp_path / "a", train=rows("a", 2, category="x"))
    b = write(tmp_path / "b", train=rows("b", 2))
    with pytest.raises(UsageError) as caught:
        merged(tmp_path, a, b, **mixture)
    assert words in str(caught.value)


def test_two_shapes_do_not_mix(tmp_path: Path) -> None:
    """mlx-lm would read the whole file in the shape of its first row."""
    a = write(tmp_path / "a", train=rows("a", 2))
    b = write(tmp_path / "b", train=[b'{"text": "b"}'])
    with pytest.raises(DataError, match="text row"):
        merged(tmp_path, a, b)


def test_sources_of_one_name_are_told_by_path(tmp_path: Path) -> None:
    """Two folders called a are two sources; one folder given twice is a mistake."""
    (tmp_path / "x").mkdir()
    a, other = write(tmp_path / "a", train=rows("a", 2)), write(tmp_path / "x" / "a", train=rows("b", 2))
    assert merged(tmp_path, a, other, caps={str(a): 1}).kept == {str(a): 1, str(other): 2}
    with pytest.raises(UsageError, match="twice"):
        merged(tmp_path, a, tmp_path / "x" / ".." / "a")
