"""`generate_algorithms`: splits that share nothing, rows that pass, and the same bytes from the same seed."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from punie.data.fetch.verify import verify
from punie.data.source import SPLITS
from punie.errors import UsageError
from punie.evaluation.suite import Suite, load_suite
from punie.generate.algorithms.catalogue import DIFFICULTIES, FAMILIES, find_families
from punie.generate.algorithms.rows import draw_rows, generate_algorithms

Row = dict[str, Any]


def drawn(count: int, seed: int) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {split: [] for split in SPLITS}
    for split, row in draw_rows(count, seed, find_families(["all"]), list(DIFFICULTIES)):
        found[split].append(dict(row))
    return found


def inputs(rows: list[Row]) -> set[str]:
    """Each input that is drawn, by type; edges and types of one small number are for every split."""
    found = set[str]()
    for row in rows:
        family = FAMILIES[row["category"]]
        if family.narrow:
            continue
        for line in row["tests"]:
            call = ast.parse(line).body[0].test.left  # ty: ignore
            arguments = tuple(map(ast.literal_eval, call.args))
            if arguments not in family.edges:
                found.add(f"{family.type} {arguments}")
    return found


def test_what_is_tested_was_never_taught() -> None:
    """Rows of two seeds: train shares no problem, no question, no opening words and no input with valid and test."""
    taught, asked = drawn(1500, 1), drawn(1500, 2)
    for split in ("valid", "test"):
        rows = asked[split] + taught[split]
        for of in (lambda row: row["metadata"]["problem"], lambda row: row["prompt"]):
            assert not set(map(of, taught["train"])) & set(map(of, rows))
        assert not inputs(taught["train"]) & inputs(rows)
    assert not [row for row in taught["train"] + taught["valid"] if row["metadata"]["held_out_type"]]
    assert {row["category"] for row in taught["test"]} == set(FAMILIES)


def suite_questions(suite: Suite) -> set[str]:
    return {str(case.messages[0]["content"]) for case in suite.cases}


def test_no_row_of_any_seed_is_in_the_suite() -> None:
    """The suite's problems, plain ones among them, are none of train's; its dev half is none of the test half's."""
    rows = drawn(1500, 999)["train"]
    suite = load_suite("algorithms")
    assert not suite_questions(suite) & {row["prompt"] for row in rows}
    assert not suite_questions(suite.of_half("dev")) & suite_questions(suite.of_half("test"))
    assert not [row for row in rows if row["metadata"]["problem"].endswith("/0")]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    """Two folders of one seed are equal, one of another seed is not; every row passes `punie dataset verify` again."""
    one, two, other = (generate_algorithms(tmp_path / name, 120, seed) for name, seed in (("a", 3), ("b", 3), ("c", 4)))
    assert one.fingerprint == two.fingerprint != other.fingerprint
    assert (one.counts, one.recipe["difficulties"]) == ({"train": 96, "valid": 12, "test": 12}, list(range(1, 11)))
    assert verify(tmp_path / "a", tmp_path / "verified").manifest.fingerprint == one.fingerprint


def test_a_row_has_the_pair_its_tests_and_the_chat(tmp_path: Path) -> None:
    """The answer of the chat is the solution; what was asked for is what comes."""
    generate_algorithms(tmp_path / "a", 40, 1, types=["lcs", "n_queens"], difficulties=[2, 9])
    lines = [line for split in SPLITS for line in (tmp_path / "a" / f"{split}.jsonl").read_text().splitlines()]
    rows = [json.loads(line) for line in lines]
    assert {(row["category"], row["difficulty"]) for row in rows} <= {
        (type_, level) for type_ in ("lcs", "n_queens") for level in (2, 9)
    }
    for row in rows:
        asked, answered = row["messages"]
        assert asked["content"] == row["prompt"]
        assert answered["content"] == f"```python\n{row['solution']}\n```"
        assert len(row["tests"]) >= 13


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"types": ["sudoku"]}, "no type"),
        ({"types": ["lis"]}, "train on"),
        ({"difficulties": [0]}, "no difficulty"),
        ({"difficulties": []}, "named once"),
        ({"count": 5}, "too few"),
    ],
)
def test_what_cannot_be_made_is_refused(tmp_path: Path, wrong: dict[str, Any], why: str) -> None:
    """With one sentence, and no folder is left."""
    with pytest.raises(UsageError, match=why):
        generate_algorithms(tmp_path / "a", **{"count": 40, "seed": 0, **wrong})
    assert not (tmp_path / "a").exists()


@pytest.mark.slow
def test_ten_thousand_rows_pass_their_own_tests(tmp_path: Path) -> None:
    """Every row is executed before it counts; one that failed would end the command."""
    assert sum(generate_algorithms(tmp_path / "a", 10_000, 7).counts.values()) == 10_000
