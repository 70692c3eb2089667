"""`generate_categories`: ten categories, rows that pass, splits that share no task, and how diverse they are."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from punie.data.fetch.verify import verify
from punie.data.source import SPLITS
from punie.errors import UsageError
from punie.generate.categories.diversity import entropy, near_duplicates
from punie.generate.categories.rows import CATEGORIES, TASKS, draw_rows, generate_categories
from punie.generate.words import WORDS


def rows_of(folder: Path) -> dict[str, list[dict[str, Any]]]:
    return {
        split: [json.loads(line) for line in (folder / f"{split}.jsonl").read_text().splitlines()] for split in SPLITS
    }


def test_every_row_passes_and_every_category_is_there(tmp_path: Path) -> None:
    """200 rows, executed when made and again by `verify`; the categories take turns; same seed, same bytes."""
    one, two = (generate_categories(tmp_path / name, 200, 5) for name in ("a", "b"))
    assert one.fingerprint == two.fingerprint
    assert verify(tmp_path / "a", tmp_path / "verified").manifest.fingerprint == one.fingerprint
    rows = rows_of(tmp_path / "a")
    assert {split: len(found) for split, found in rows.items()} == {"train": 160, "valid": 20, "test": 20}
    assert Counter(row["category"] for row in rows["train"]) == dict.fromkeys(CATEGORIES, 16)
    found = one.recipe["diversity"]
    assert found["templates"] >= len(TASKS) - 2
    assert found["template_evenness"] > 0.9
    assert found["near_duplicate_prompts"] < 10
    assert found["different_solutions"] > 180


def test_what_is_tested_was_never_taught() -> None:
    """Tasks of one seed's test are none of another seed's train, under other names either."""
    taught, asked = (list(draw_rows(600, seed, CATEGORIES)) for seed in (1, 2))
    assert not {task_of(row) for split, row in taught if split == "train"} & {
        task_of(row) for split, row in asked if split != "train"
    }


def task_of(row: Any) -> str:
    """The solution with neutral names, and its template."""
    head, _, body = row["solution"].partition("\n")
    names = head[head.find("(") + 1 : head.find(")")].split(", ") if head.startswith("def") else []
    for place, name in enumerate(names):
        body = body.replace(name, f"argument_{place}")
    return f"{row['metadata']['template']} {body}"


def test_diversity_is_measured() -> None:
    """Entropy is in bits; a text that repeats another with one word more is nearly it, an unlike one is not."""
    assert entropy(Counter("aabbccdd")) == 2.0
    rng = Random(1)
    texts = [" ".join(rng.choice(WORDS) for _ in range(40)) for _ in range(20)]
    assert near_duplicates(texts) == 0
    assert near_duplicates([*texts, f"{texts[3]} more"]) == 1


@pytest.mark.parametrize(
    ("wrong", "why"),
    [({"categories": ["poems"]}, "no category"), ({"categories": []}, "At least one"), ({"count": 9}, "too few")],
)
def test_what_cannot_be_made_is_refused(tmp_path: Path, wrong: dict[str, Any], why: str) -> None:
    """With one sentence, and no folder is left."""
    with pytest.raises(UsageError, match=why):
        generate_categories(tmp_path / "a", **{"count": 60, "seed": 0, **wrong})
    assert not (tmp_path / "a").exists()


@pytest.mark.slow
def test_ten_thousand_rows_pass_their_own_tests(tmp_path: Path) -> None:
    """Every row is executed before it counts; one that failed would end the command."""
    assert sum(generate_categories(tmp_path / "a", 10_000, 7).counts.values()) == 10_000
