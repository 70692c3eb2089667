"""Difficulty written into a dataset."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from punie.curriculum.difficulty import static_measure
from punie.curriculum.measure import Measure
from punie.curriculum.score import LEDGER, score
from punie.data.dataset import read_manifest
from punie.data.ledger import row_hash
from punie.data.source import open_source
from punie.errors import DataError, UsageError
from punie.files import read_jsonl

EASY, MEDIUM = "a = 1\nprint(a)", "if a > 1 and b < 2 or c :\n\tprint(a)"
HARD = "if (a > 1) and (b < 2) :\n\tx = (a + b) * (c - a) / b\nelif (a == b) or not (c <= a) :\n\tx = a"
LEVEL = static_measure("field:level")
OVERALL = static_measure("overall")


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_jsonl(path)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [{"id": str(number), "text": text} for number, text in enumerate((EASY, MEDIUM, HARD, EASY))]
    write(tmp_path / "data" / "train.jsonl", [*rows, {"id": "4", "text": "no code", "keep": [1, {"a": None}]}])
    write(tmp_path / "data" / "test.jsonl", [{"text": EASY, "metadata": {"level": 2}}])
    return tmp_path / "data"


def test_every_row_stays_and_says_how_hard_it_is(folder: Path, tmp_path: Path) -> None:
    """Label and figure are in the metadata; whatever else a row has stays, in its order."""
    found = score(folder, tmp_path / "out", [OVERALL])
    rows = read(tmp_path / "out" / "train.jsonl")
    labels = [row.get("metadata", {}).get("difficulty") for row in rows]
    assert labels == ["easy", "medium", "hard", "easy", None]
    assert [list(row) for row in rows[:2]] == [["id", "text", "metadata"]] * 2
    assert rows[0]["metadata"] == {"difficulty": "easy", "overall": 0.5}
    assert read(tmp_path / "out" / "test.jsonl")[0]["metadata"] == {"level": 2, "difficulty": "easy", "overall": 0.5}
    assert found.labels == {"train": Counter(easy=2, medium=1, hard=1) + Counter({None: 1}), "test": Counter(easy=1)}


def test_a_row_without_a_figure_keeps_its_bytes_and_has_a_line_in_the_ledger(folder: Path, tmp_path: Path) -> None:
    """File, line, hash, measure and reason; the manifest counts the reasons."""
    found = score(folder, tmp_path / "out", [OVERALL])
    raw = (folder / "train.jsonl").read_bytes().splitlines()[4]
    assert (tmp_path / "out" / "train.jsonl").read_bytes().splitlines()[4] == raw
    (line,) = read(tmp_path / "out" / LEDGER)
    assert line == {
        "file": str(folder / "train.jsonl"),
        "line": 5,
        "hash": row_hash(raw),
        "measure": "overall",
        "reason": "no Python in the answer",
        "detail": "",
    }
    assert found.manifest.recipe["unscored"] == {"overall": {"no Python in the answer": 1}}
    assert found.spreads[0].rows == 5
    assert found.spreads[0].unscored == {"no Python in the answer": 1}


def test_the_manifest_says_what_was_measured_with_what(folder: Path, tmp_path: Path) -> None:
    """Measures, tools, thresholds, and the dataset it was made from; the counts are those of the source."""
    score(folder, tmp_path / "out", [OVERALL, LEVEL], thresholds=(1, 3))
    manifest = read_manifest(tmp_path / "out")
    assert manifest.recipe["measures"] == ["overall", "field:level"]
    assert manifest.recipe["made_with"]["overall"] == dict(OVERALL.made_with)
    assert manifest.recipe["thresholds"] == [1, 3]
    assert manifest.counts == {"train": 5, "test": 1}
    assert manifest.parents[0].fingerprint == open_source(folder).fingerprint()


def test_a_threshold_belongs_to_the_harder_side(tmp_path: Path) -> None:
    """2 is medium and 4 is hard, as in the paper."""
    levels = [1.9, 2, 3.9, 4]
    write(tmp_path / "rows.jsonl", [{"text": "x", "level": level} for level in levels])
    score(tmp_path / "rows.jsonl", tmp_path / "out", [LEVEL], thresholds=(2, 4))
    found = [row["metadata"]["difficulty"] for row in read(tmp_path / "out" / "train.jsonl")]
    assert found == ["easy", "medium", "medium", "hard"]


def test_a_count_is_a_whole_number(folder: Path, tmp_path: Path) -> None:
    """So that a phase can choose rows by its value."""
    score(folder, tmp_path / "out", [static_measure("nesting")])
    found = [row["metadata"]["nesting"] for row in read(tmp_path / "out" / "train.jsonl")[:4]]
    assert (found, {type(figure) for figure in found}) == ([0, 1, 1, 0], {int})


def test_other_measures_are_cut_into_thirds(tmp_path: Path) -> None:
    """The first measure labels; where it has no thresholds of its own, a third of the rows is of each level."""
    write(tmp_path / "rows.jsonl", [{"text": EASY, "level": level} for level in range(9)])
    found = score(tmp_path / "rows.jsonl", tmp_path / "out", [LEVEL, OVERALL])
    assert found.labels["train"] == Counter(easy=3, medium=3, hard=3)
    (correlation,) = found.correlations
    assert (correlation.first, correlation.second, correlation.rows) == ("field:level", "overall", 9)
    assert correlation.rho is None


def test_a_value_that_is_there_is_not_overwritten(folder: Path, tmp_path: Path) -> None:
    """The same figure may stand already, another one may not; nothing is left behind."""
    score(folder, tmp_path / "out", [OVERALL])
    score(tmp_path / "out", tmp_path / "again", [OVERALL])
    assert (tmp_path / "again" / "train.jsonl").read_bytes() == (tmp_path / "out" / "train.jsonl").read_bytes()
    with pytest.raises(DataError, match="has the difficulty 'medium' already, and would get 'hard'") as refused:
        score(tmp_path / "out", tmp_path / "other", [OVERALL], thresholds=(0.6, 0.7))
    assert refused.value.where.endswith("train.jsonl:2")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"text": EASY, "metadata": "mine"}, "metadata is no object"),
        ({"text": EASY, "difficulty": "hard"}, "has the difficulty 'hard' already"),
        ({"text": ["x"]}, "is a list, not text"),
        ({"text": "no code"}, "No row has a figure of overall"),
    ],
)
def test_rows_that_cannot_take_a_label_are_named(tmp_path: Path, row: dict[str, Any], what: str) -> None:
    """Nothing is written."""
    write(tmp_path / "rows.jsonl", [row])
    with pytest.raises(DataError, match=what):
        score(tmp_path / "rows.jsonl", tmp_path / "out", [OVERALL])
    assert not (tmp_path / "out").exists()


def test_a_row_that_names_a_key_twice_is_not_written_again(tmp_path: Path) -> None:
    """One of its two values would be lost."""
    (tmp_path / "rows.jsonl").write_text('{"text": "a = 1", "note": 1, "note": 2}\n')
    with pytest.raises(DataError, match="twice"):
        score(tmp_path / "rows.jsonl", tmp_path / "out", [OVERALL])


@pytest.mark.parametrize(
    ("measures", "thresholds"),
    [([], None), ([OVERALL, OVERALL], None), ([static_measure("field:difficulty")], None), ([OVERALL], (4, 2))],
)
def test_what_makes_no_sense_is_refused(
    folder: Path, tmp_path: Path, measures: list[Measure], thresholds: tuple[float, float] | None
) -> None:
    """Before a row is read."""
    with pytest.raises(UsageError):
        score(folder, tmp_path / "out", measures, thresholds=thresholds)
