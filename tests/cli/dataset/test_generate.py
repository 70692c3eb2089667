"""`punie dataset generate`: rows from a seed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Punie = Callable[..., Any]


def test_tinypy_is_made_as_asked(punie: Punie) -> None:
    """The folder is a dataset, and the JSON is its manifest."""
    ended = punie(*"dataset generate tinypy --count 60 --levels 1,3-4 --empty 20 --seed 2 --output t --json".split())
    assert ended.code == 0
    recipe = json.loads(ended.out)["recipe"]
    assert (recipe["kind"], recipe["levels"], recipe["empty"], recipe["seed"]) == ("tinypy", [1, 3, 4], 20, 2)
    shown = punie("dataset", "generate", "tinypy", "--count", 60, "--output", "u")
    assert "train    46" in shown.out
    assert punie("dataset", "validate", "t").code == 0


@pytest.mark.parametrize("levels", ["8", "0-7", "one", "", "1--2", "3-1", "1-99999999999", "1,1"])
def test_levels_that_are_none_are_refused(punie: Punie, levels: str) -> None:
    """Wrong usage, and nothing is written."""
    ended = punie("dataset", "generate", "tinypy", "--levels", levels, "--output", "t")
    assert ended.code == 2
    assert "level" in ended.err.lower()


def test_algorithms_are_made_as_asked(punie: Punie) -> None:
    """Types and difficulties as told, as a dataset; for a type that is none the one that was meant is named."""
    told = "dataset generate algorithms --count 40 --types basic,lcs --difficulty 2,9-10 --output a --json".split()
    recipe = json.loads(punie(*told).out)["recipe"]
    assert (len(recipe["types"]), recipe["difficulties"]) == (12, [2, 9, 10])
    assert punie("dataset", "validate", "a").code == 0
    ended = punie("dataset", "generate", "algorithms", "--types", "two_sums", "--output", "b")
    assert (ended.code, "two_sum" in ended.err) == (2, True)


def test_toolcalls_are_made_as_asked(punie: Punie) -> None:
    """Shares and family arrive, and more than 60 % of rows with a call earn a warning."""
    asked = "dataset generate toolcalls --count 80 --seed 2 --output"
    ended = punie(*f"{asked} t --shares call=9,negative=1 --family llama --json".split())
    assert ended.code == 0
    recipe = json.loads(ended.out)["recipe"]
    assert (recipe["kind"], recipe["family"], recipe["calling_percent"], recipe["seed"]) == (
        "toolcalls",
        "llama",
        90,
        2,
    )
    assert "90 % of the rows call a tool" in ended.err
    shown = punie(*f"{asked} u".split())
    assert "negative: asks back" in shown.out
    assert "Warning" not in shown.err
    assert punie("dataset", "validate", "t").code == punie("dataset", "validate", "u").code == 0


@pytest.mark.parametrize("shares", ["call", "call=", "call=-1", "call=1,call=2", "calls=1", "call=nan", "call=0"])
def test_shares_that_are_none_are_refused(punie: Punie, shares: str) -> None:
    """Wrong usage, and nothing is written."""
    assert punie("dataset", "generate", "toolcalls", "--shares", shares, "--output", "t").code == 2


def test_a_suite_shares_nothing_with_the_rows_beside_it(punie: Punie) -> None:
    """The command holds one against the other, and the suite's graders are sound."""
    assert punie(*"dataset generate toolcalls --count 100 --seed 7 --output t".split()).code == 0
    made = punie(*"suite generate toolcalls --count 20 --seed 7 --against t --output calls.yaml --json".split())
    assert (made.code, json.loads(made.out)["cases"]) == (0, 20)
    assert punie("suite", "check", "calls.yaml").code == 0


def test_categories_are_made_and_measured(punie: Punie) -> None:
    """The categories that were named and no others; what is printed about diversity is in the manifest too."""
    told = "dataset generate categories --count 40 --category logic".split()
    shown = punie(*told, "--category", "file I/O", "--output", "a")
    assert "template entropy" in shown.out
    assert punie("dataset", "validate", "a").code == 0
    recipe = json.loads(punie(*told, "--output", "b", "--json").out)["recipe"]
    assert (recipe["categories"], recipe["diversity"]["templates"]) == (["logic"], 5)
