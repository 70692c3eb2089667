"""TinyPy as a dataset."""

from __future__ import annotations

import io
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from punie.data.check.validation import validate
from punie.data.dataset import read_manifest
from punie.data.source import SPLITS
from punie.errors import UsageError
from punie.files import read_jsonl
from punie.generate.tinypy import rows as module
from punie.generate.tinypy.grammar import LEVELS
from punie.generate.tinypy.program import MARK, Program
from punie.generate.tinypy.rows import generate_tinypy


def read(folder: Path) -> dict[str, list[dict[str, Any]]]:
    return {split: [row for _, row in read_jsonl(folder / f"{split}.jsonl")] for split in SPLITS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("data") / "tinypy"
    generate_tinypy(output, 1400, 3)
    return output


def shape(row: dict[str, Any]) -> str:
    return Program(0, row["text"].split(MARK)[0], (), 0).shape


def test_levels_are_alike_in_every_split(folder: Path) -> None:
    """1,400 rows are 1,260, 70 and 70, and each level has a seventh of each."""
    for split, rows in read(folder).items():
        size = {"train": 180, "valid": 10, "test": 10}[split]
        assert Counter(row["metadata"]["level"] for row in rows) == dict.fromkeys(LEVELS, size)
    validate(folder).require_sound()


def test_no_program_twice_and_none_in_two_splits_under_other_names(folder: Path) -> None:
    """What is tested was not taught, not even with other variables; by another seed it was not taught either."""
    splits = read(folder)
    texts = [row["text"] for rows in splits.values() for row in rows]
    assert len(set(texts)) == len(texts) == 1400
    shapes = {split: set(map(shape, rows)) for split, rows in splits.items()}
    assert not shapes["train"] & (shapes["valid"] | shapes["test"])
    assert not shapes["valid"] & shapes["test"]


def test_what_one_seed_tests_no_other_seed_teaches(folder: Path, tmp_path: Path) -> None:
    """Sides depend on the program alone."""
    generate_tinypy(tmp_path / "other", 3000, 4, levels=[1])
    taught = set(map(shape, read(tmp_path / "other")["train"]))
    drawn = read(folder)
    assert not taught & set(map(shape, drawn["test"] + drawn["valid"]))
    assert taught & set(map(shape, drawn["train"]))


def test_metadata_say_what_the_text_is(folder: Path) -> None:
    """Length, lines and output are those of the row's own text."""
    for row in (row for rows in read(folder).values() for row in rows):
        source, output = row["text"].split(MARK)
        found = row["metadata"]
        assert found["length"] == len(row["text"])
        assert found["lines"] == len(source.splitlines())
        assert found["paper_level"] == LEVELS[found["level"]].paper
        assert found["output_empty"] == (output == "# ") == (found["output_lines"] == 0)
        assert found["output_empty"] or found["output_lines"] == len(output.splitlines())


def test_a_seed_has_the_bytes_it_always_had(folder: Path, tmp_path: Path) -> None:
    """On every version of Python and of Punie; another seed gives others."""
    assert read_manifest(folder).fingerprint == "229d13c9482e21b5a036422cd2e00dcca15eaf56e7672884426a419f2d971613"
    assert generate_tinypy(tmp_path / "again", 1400, 3).hashes == read_manifest(folder).hashes
    assert not set(generate_tinypy(tmp_path / "other", 1400, 4).hashes.values()) & set(
        read_manifest(folder).hashes.values()
    )


@pytest.mark.parametrize("empty", [0, 10, 50])
def test_the_share_without_output_is_what_was_asked_for(tmp_path: Path, empty: float) -> None:
    """To the row, in every split and at every level that has such programs."""
    generate_tinypy(tmp_path / "data", 2800, 1, empty=empty)
    for split, rows in read(tmp_path / "data").items():
        without = Counter(row["metadata"]["level"] for row in rows if row["metadata"]["output_empty"])
        size = {"train": 360, "valid": 20, "test": 20}[split]
        asked = size * empty // 100
        assert without == Counter({level: asked for level in range(3, 8) if asked})


def test_what_was_drawn_in_vain_is_counted(folder: Path) -> None:
    """Programs that divide by zero and programs without a place leave no row, but a figure."""
    rejected = read_manifest(folder).recipe["rejected"]
    assert set(rejected) <= {"division by zero", "no place left", "repeated"}
    assert rejected["division by zero"] > 0


@pytest.mark.parametrize(
    ("count", "levels", "empty", "what"),
    [
        (19, [1], None, "19 programs are too few"),
        (20, list(LEVELS), None, "20 programs are too few"),
        (100, [1, 8], None, "no level 8"),
        (100, [0], None, "no level 0"),
        (100, [], None, "named once"),
        (100, [2, 2], None, "named once"),
        (100, [3], 101, "101 % is not a share"),
    ],
)
def test_what_makes_no_sense_is_refused(
    tmp_path: Path, count: int, levels: list[int], empty: float | None, what: str
) -> None:
    """Before anything is written."""
    with pytest.raises(UsageError, match=what):
        generate_tinypy(tmp_path / "data", count, 0, levels=levels, empty=empty)
    assert not (tmp_path / "data").exists()


def test_a_level_that_is_used_up_ends_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of drawing for ever; nothing is left behind."""
    monkeypatch.setattr(module, "_PATIENCE", 2)
    with pytest.raises(UsageError, match="Level 1 of TinyPy has too few different programs"):
        generate_tinypy(tmp_path / "data", 200, 0, levels=[1])
    assert not any(tmp_path.iterdir())


def printed(source: str) -> list[str]:
    out = io.StringIO()
    with redirect_stdout(out):
        exec(source, {})
    return out.getvalue().splitlines()


@pytest.mark.slow
def test_every_one_of_ten_thousand_rows_is_true(tmp_path: Path) -> None:
    """Each program, run once more with Python's own print, prints what its row says."""
    manifest = generate_tinypy(tmp_path / "data", 10_000, 11)
    rows = [row for rows in read(tmp_path / "data").values() for row in rows]
    assert sum(manifest.counts.values()) == len({row["text"] for row in rows}) == 10_000
    for row in rows:
        source, output = row["text"].split(MARK)
        assert [f"# {line}" for line in printed(source) or [""]] == output.split("\n"), row["id"]
