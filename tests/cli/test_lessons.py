"""`punie curriculum show`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from punie.files import write_jsonl, write_text

Punie = Callable[..., Any]
PHASES = "phases: [{name: easy, where: {level: 1}}, {name: hard, where: {level: {at_least: 2, below: 3}}}]\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """20 rows of each of three levels; the third is in no phase."""
    write_jsonl(tmp_path / "data" / "train.jsonl", ({"text": "a", "level": 1 + n % 3} for n in range(60)))
    return tmp_path / "data"


def test_show_counts_what_a_run_would_see(punie: Punie, data: Path, tmp_path: Path) -> None:
    """Shares by stage, rows by phase, each row's exposure, and the rows in no phase; sums are those of the run."""
    write_text(tmp_path / "c.yaml", f"{PHASES}schedule: incremental\n")
    shown = punie("curriculum", "show", "c.yaml", "--data", data, "--iters", 20)
    assert shown.code == 0
    lines = [line.split() for line in shown.out.splitlines()]
    assert ["easy", "0-10", "100%", "0%"] in lines
    assert ["hard", "10-20", "50%", "50%"] in lines
    assert ["easy", "20", "60", "3.0", "3", "to", "3"] in lines
    assert "20 rows are in no phase" in shown.err
    found = json.loads(punie("curriculum", "show", "c.yaml", "--data", data, "--iters", 20, "--json").out)
    for spans in (found["stages"], found["windows"]):
        assert sum(sum(span["shown"].values()) for span in spans) == 20 * 4
    assert [(p["phase"], p["rows"], p["shown"]) for p in found["phases"]] == [("easy", 20, 60), ("hard", 20, 20)]
    assert found["unseen"] == 20


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("sequential", "shows hard; 25% of it from easy"),
        ("{kind: hybrid, hardest: 0.5, by: level}", "shows the hardest 50% of easy, hard; 25% of it from easy"),
        ("{kind: adaptive, advance_below: 1.5}", "the next where its validation loss is at most 1.5"),
    ],
)
def test_show_tells_the_rules_without_data(punie: Punie, tmp_path: Path, schedule: str, said: str) -> None:
    """What each stage shows, in words."""
    write_text(tmp_path / "c.yaml", f"{PHASES}replay: 0.25\nschedule: {schedule}\n")
    assert said in punie("curriculum", "show", "c.yaml").out


@pytest.mark.parametrize(
    ("curriculum", "options", "code", "said"),
    [
        ("phases: [{name: a, where: {level: 7}}]", (), 3, "There are 1, 2, 3."),
        ("phases: [{name: a}]\nschedule: {kind: competence, by: depth}", (), 3, "60 of 60 rows have no number"),
        (f"{PHASES}schedule: {{kind: adaptive, advance_below: 1}}", (), 2, "decided while it trains"),
        (f"{PHASES}schedul: mixed", (), 2, "no key 'schedul'"),
        (PHASES, ("--iters", 1), 2, "cannot have 2 stages"),
        ("- a", (), 2, "key: value"),
    ],
)
def test_show_refuses_what_a_run_would_refuse(
    punie: Punie, data: Path, tmp_path: Path, curriculum: str, options: tuple, code: int, said: str
) -> None:
    """With the same words and the same exit code."""
    write_text(tmp_path / "c.yaml", curriculum + "\n")
    ended = punie("curriculum", "show", "c.yaml", "--data", data, *options)
    assert (ended.code, said in ended.err) == (code, True), ended.err
