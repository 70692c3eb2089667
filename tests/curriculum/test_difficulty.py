"""Measures of rows: radon's figures for Python, lizard's for other languages, and a reason where there is none."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from radon.metrics import h_visit
from radon.visitors import ComplexityVisitor

from punie.curriculum.difficulty import static_measure
from punie.curriculum.measure import Figure, Unscored
from punie.data.source import SourceRow
from punie.errors import UsageError
from punie.generate.dice import Dice
from punie.generate.tinypy.grammar import LEVELS, draw_source

BRANCHES = "def f(x):\n    if x > 1 and x < 9:\n        return x * 2\n    return -x\n"
FENCED = f"Here it is:\n\n```python\n{BRANCHES}```\n"


def as_row(row: dict[str, Any]) -> SourceRow:
    return SourceRow("train", Path("rows.jsonl"), 1, json.dumps(row).encode(), row)


def chat(answer: str) -> SourceRow:
    return as_row({"messages": [{"role": "user", "content": "Write it."}, {"role": "assistant", "content": answer}]})


def figure(name: str, row: SourceRow, language: str = "python") -> Figure:
    return static_measure(name, language).figure(row)


def radon(source: str) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cyclomatic = ComplexityVisitor.from_code(source).total_complexity
        return (cyclomatic + h_visit(source).total.difficulty) / 2


@pytest.mark.parametrize("level", LEVELS)
def test_overall_is_the_mean_of_radons_two_figures(level: int) -> None:
    """On programs of every level, as text rows and as fenced answers."""
    dice = Dice(f"difficulty {level}")
    for _ in range(40):
        source = draw_source(level, dice)
        assert figure("overall", as_row({"text": source})) == radon(source)
        assert figure("overall", chat(f"So:\n```python\n{source}\n```")) == radon(source)


WHOLE = as_row({"text": BRANCHES})


@pytest.mark.parametrize(
    ("name", "row", "expected"),
    [
        ("cyclomatic", WHOLE, 3),
        ("cyclomatic", chat(FENCED), 3),
        ("halstead", WHOLE, 5 * 9 / (2 * 6)),
        ("nesting", WHOLE, 2),
        ("length", WHOLE, len(BRANCHES)),
        ("length", chat("ok"), 2),
        ("nesting", as_row({"prompt": "def f(x):\n", "completion": "    for y in x:\n        print(y)"}), 2),
        ("nesting", as_row({"prompt": "def f(x):\n    pass", "completion": "if a:\n    print(a)"}), 1),
        ("cyclomatic", as_row({"prompt": "Write it.", "completion": BRANCHES}), 3),
        ("field:steps", as_row({"text": "a", "metadata": {"steps": 7}}), 7),
        ("field:steps", as_row({"text": "a", "steps": 2.5, "metadata": {"steps": 7}}), 2.5),
    ],
)
def test_a_row_has_its_figure(name: str, row: SourceRow, expected: float) -> None:
    """Counted by hand: two paths and one `and`; > < * - and `and` on nine operands of which six differ."""
    assert figure(name, row) == expected


@pytest.mark.parametrize(
    ("name", "row", "reason"),
    [
        ("overall", chat("It depends on what you need."), "no Python in the answer"),
        ("overall", chat("```rust\nfn main() {}\n```"), "no Python in the answer"),
        ("overall", chat("```python\nprint 'x'\n```"), "not Python 3"),
        ("nesting", chat("```python\ndef f(:\n```"), "not Python 3"),
        ("overall", as_row({"prompt": "What is it?", "completion": "A list."}), "no Python in the answer"),
        ("field:steps", as_row({"text": "a"}), "no steps in the row"),
        ("field:steps", as_row({"text": "a", "steps": "7"}), "steps is no number"),
        ("field:steps", as_row({"text": "a", "steps": True}), "steps is no number"),
        ("field:steps", as_row({"text": "a", "steps": float("inf")}), "steps is no number"),
    ],
)
def test_a_row_without_a_figure_has_a_reason(name: str, row: SourceRow, reason: str) -> None:
    """Never a zero."""
    assert figure(name, row) == Unscored(reason)


@pytest.mark.parametrize(
    ("source", "depth"),
    [
        ("x = 1", 0),
        ("if a:\n    x\nelif b:\n    y\nelse:\n    z", 1),
        ("if a:\n    x\nelse:\n    for b in c:\n        y", 2),
        ("class A:\n    def f(self):\n        while x:\n            with y: pass", 4),
        ("try:\n    x\nexcept E:\n    if y: pass", 2),
        ("match a:\n    case 1:\n        for b in c: pass", 2),
        ("x = [y for y in z if y]\nf = lambda: (1 if a else 2)", 0),
    ],
)
def test_nesting_counts_blocks(source: str, depth: int) -> None:
    """Expressions are no blocks, and an elif is as deep as its if."""
    assert figure("nesting", chat(f"```python\n{source}\n```")) == depth


RUST = [
    ("fn add(a: i32, b: i32) -> i32 { a + b }", 1),
    ("fn sign(x: i32) -> i32 { if x > 0 { 1 } else if x < 0 { -1 } else { 0 } }", 3),
    ("fn f(v: &[i32]) -> i32 { let mut s = 0; for x in v { if *x > 0 || *x == -1 { s += x; } } s }", 4),
    ("fn g(x: Option<i32>) -> i32 { match x { Some(1) => 1, Some(_) => 2, None => 3 } }", 3),
    ("fn h() -> Result<(), E> { first()?; second()?; Ok(()) }", 3),
    ("fn a(x: i32) -> i32 { while x > 9 { } x }\nfn b(y: bool) -> i32 { if y { 1 } else { 2 } }", 3),
]


@pytest.mark.parametrize(("source", "expected"), RUST)
def test_rust_counts_as_lizard_counts_it(source: str, expected: int) -> None:
    """Counted by hand: one, and one more for each if, loop, || and ?, and each arm of a match after the first."""
    pytest.importorskip("lizard")
    assert figure("cyclomatic", chat(f"Like this:\n```rust\n{source}\n```"), "rust") == expected
    assert figure("cyclomatic", as_row({"prompt": "Write it.", "completion": source}), "rs") == expected


def test_what_lizard_cannot_count_has_a_reason() -> None:
    """An answer in another language, and a piece of code without a function."""
    pytest.importorskip("lizard")
    absent = Unscored("no code of this language in the answer")
    assert figure("cyclomatic", chat(FENCED), "rust") == absent
    assert figure("cyclomatic", chat("```rust\nx + 1\n```"), "rust") == Unscored("lizard finds no function")


def test_tools_and_versions_are_told() -> None:
    """A figure can be had again only with what made it."""
    lizard = pytest.importorskip("lizard")
    assert static_measure("cyclomatic", "rust").made_with == {"lizard": lizard.version}
    assert set(static_measure("overall").made_with) == {"punie", "python", "counts as"}


@pytest.mark.parametrize(
    ("name", "language", "what"),
    [
        ("overal", "python", "no measure called 'overal'"),
        ("overall", "rust", "for Python only"),
        ("cyclomatic", "cobol", "does not read 'cobol'"),
    ],
)
def test_a_measure_that_cannot_be_is_refused(name: str, language: str, what: str) -> None:
    """Before a row is read, with the names that there are."""
    pytest.importorskip("lizard")
    with pytest.raises(UsageError, match=what) as refused:
        static_measure(name, language)
    assert "cyclomatic" in refused.value.hint or "rust" in refused.value.hint


def test_a_missing_lizard_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one sentence, with the command that brings it."""
    monkeypatch.setitem(sys.modules, "lizard", None)
    with pytest.raises(UsageError, match="not installed") as refused:
        static_measure("cyclomatic", "rust")
    assert "punie[languages]" in refused.value.hint
