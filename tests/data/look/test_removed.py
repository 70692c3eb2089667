"""Examples of rows that are gone: found again where they still stand, and never shown where they hold a secret."""

from __future__ import annotations

import json
from pathlib import Path

from punie.data.ledger import Removal, row_hash
from punie.data.look.removed import read_removed
from punie.files import write_jsonl

KEY = "AKIA" + "ABCDEFGH23456789"
RAW = [
    *(json.dumps({"text": f"row {number}"}).encode() for number in range(6)),
    json.dumps({"text": f"key {KEY}"}).encode(),
    b"\xff is no row",
    json.dumps({"text": "long " * 1000}).encode(),
]


def ledger(folder: Path, *, values: object = 1) -> Path:
    """Everything was removed, the first five rows as short, the rest as odd; and one from a file that is gone."""
    (folder / "train.jsonl").write_bytes(b"\n".join(RAW) + b"\n")
    removals = [
        Removal(str(folder / "train.jsonl"), line, row_hash(raw), "short" if line <= 5 else "odd", values, 2)
        for line, raw in enumerate(RAW, start=1)
    ]
    removals.append(Removal(str(folder / "gone.jsonl"), 1, "0" * 64, "elsewhere", values, 2))
    write_jsonl(folder / "removed.jsonl", (removal.to_row() for removal in removals))
    return folder / "removed.jsonl"


def test_rows_are_counted_by_rule_and_the_first_are_shown(tmp_path: Path) -> None:
    """All rows count; at most three of a rule come with place, measure, limit and what they said."""
    short, odd, elsewhere = read_removed(ledger(tmp_path))
    assert [(rule.rule, rule.rows) for rule in (short, odd, elsewhere)] == [("short", 5), ("odd", 4), ("elsewhere", 1)]
    assert [example.text for example in short.examples] == ["row 0", "row 1", "row 2"]
    assert short.examples[1].where == f"{tmp_path / 'train.jsonl'}:2"
    assert short.examples[1].evidence == (("measured", "1"), ("limit", "2"))
    assert odd.examples[2].text == "� is no row"


def test_a_row_with_a_key_is_not_shown(tmp_path: Path) -> None:
    """Whatever rule took it: a page about a dataset can be passed on."""
    odd = read_removed(ledger(tmp_path))[1]
    assert KEY not in repr(odd)
    assert [example.shown for example in odd.examples] == [True, False, True]


def test_a_row_that_is_not_there_any_more_is_said_to_be_gone(tmp_path: Path) -> None:
    """A file that is gone, and a file whose line holds another row by now."""
    path = ledger(tmp_path)
    (tmp_path / "train.jsonl").write_bytes(b"\n".join(reversed(RAW)) + b"\n")
    short, _, elsewhere = read_removed(path)
    assert not any(example.shown for example in (*short.examples, *elsewhere.examples))


def test_evidence_is_told_part_by_part(tmp_path: Path) -> None:
    """What a rule measured in several values keeps their names."""
    found = read_removed(ledger(tmp_path, values={"item": "HumanEval/1", "score": 0.9}))
    assert found[0].examples[0].evidence == (("item", "HumanEval/1"), ("score", "0.9"), ("limit", "2"))


def test_no_ledger_is_no_removal(tmp_path: Path) -> None:
    """A dataset that nothing was taken from has no ledger."""
    assert read_removed(tmp_path / "removed.jsonl") == ()
