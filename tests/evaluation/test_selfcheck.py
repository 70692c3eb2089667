from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from punie.errors import UsageError
from punie.evaluation.outcomes import SelfCheck
from punie.evaluation.selfcheck import check_suite, ensure_sound
from punie.evaluation.suite import Suite


def make_suite(**expect: Any) -> Suite:
    case = {"id": "only", "category": "c", "messages": [{"role": "user", "content": "?"}], "expect": expect}
    return Suite.model_validate({"name": "s", "cases": [case]})


def test_a_sound_suite_passes_and_says_how_much_was_checked(suite: Suite) -> None:
    """Every reference is right, every known-bad answer wrong, and both are counted."""
    assert check_suite(suite, "jail") == SelfCheck(references=6, known_bad=48)


BROKEN: dict[str, dict[str, Any]] = {
    "a solution that is wrong": {
        "kind": "code",
        "entry_point": "f",
        "solution": "def f():\n    return 2",
        "tests": [{"arguments": [], "returns": 3}],
    },
    "a test that doing nothing passes": {
        "kind": "code",
        "entry_point": "f",
        "solution": "def f():\n    return None",
        "tests": [{"arguments": [], "returns": None}],
    },
    "a number that is none": {"kind": "number", "value": float("inf")},
    "a value JSON cannot keep": {"kind": "calls", "calls": [{"name": "f", "arguments": {"x": {1: 2}}}]},
    "an assert that doing nothing passes": {
        "kind": "code",
        "entry_point": "f",
        "solution": "def f():\n    return None",
        "asserts": ["assert f() is None"],
    },
    "a check program that checks nothing": {
        "kind": "code",
        "entry_point": "f",
        "solution": "def f():\n    return 2",
        "check": "def check(candidate):\n    pass",
    },
    "a tolerance that takes everything": {"kind": "number", "value": 1, "relative_tolerance": 0.99},
    "an expression that matches everything": {"kind": "text", "regex": ".*"},
    "an expression without an example": {"kind": "text", "regex": "[a-z]+"},
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_grader_is_named(name: str) -> None:
    """A case whose grader cannot tell right from wrong stops the evaluation before a model is asked."""
    with pytest.raises(UsageError, match="'only'"):
        check_suite(make_suite(**BROKEN[name]), "jail")


def test_a_case_that_needs_no_call_can_be_checked() -> None:
    """Its reference answer is words, its known-bad answers are silence and a call."""
    assert check_suite(make_suite(kind="calls", calls=[]), "off") == SelfCheck(references=1, known_bad=7)


KINDS: dict[str, dict[str, Any]] = {
    "text": {"kind": "text", "values": ["Paris", "Paris, France"]},
    "choice": {"kind": "choice", "value": "B", "choices": ["A", "B", "C"]},
    "keywords": {"kind": "keywords", "all": ["lock"], "any": ["wait", "queue"]},
    "asserts": {
        "kind": "code",
        "entry_point": "f",
        "solution": "def f(x):\n    return math.floor(x)",
        "asserts": ["assert f(2.5) == 2", "assert f(-0.5) == -1"],
        "preamble": "import math",
    },
    "check": {
        "kind": "code",
        "entry_point": "f",
        "solution": "def f(x):\n    return 2 * x",
        "check": "def check(candidate):\n    for x in range(3):\n        assert candidate(x) == x + x\n",
    },
    "calls": {
        "kind": "calls",
        "calls": [{"name": "f", "arguments": {"x": "a"}, "accept": {"x": ["A"], "y": [True]}, "optional": ["y"]}],
    },
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_tells_its_reference_from_bad_answers(name: str) -> None:
    """The derived reference is right; empty, garbage and wrong answers of the kind are not."""
    check = check_suite(make_suite(**KINDS[name]), "jail")
    assert check.references == 1
    assert check.known_bad >= 3


def test_a_known_bad_answer_of_the_case_is_tried() -> None:
    """A bad answer that the grader takes for right is named."""
    suite = make_suite(kind="keywords", any=["blue"])
    bad = suite.cases[0].model_copy(update={"known_bad": ("It is not blue.",)})
    with pytest.raises(UsageError, match="known-bad answer 1 counts as right"):
        check_suite(suite.model_copy(update={"cases": (bad,)}), "off")


def test_a_judge_is_not_asked() -> None:
    """What another model would judge cannot be checked beforehand."""
    assert check_suite(make_suite(kind="judge", rubric="It is kind."), "off") == SelfCheck(references=0, known_bad=0)


def test_a_sound_suite_is_checked_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same cases are not checked again; other cases, another sandbox and an unreadable note are."""
    monkeypatch.setenv("PUNIE_CACHE", str(tmp_path))
    one, two = make_suite(kind="number", value=1), make_suite(kind="number", value=2)
    check = ensure_sound(one, "off")
    (note,) = (tmp_path / "checked-suites").iterdir()
    note.write_text('{"references": 7, "known_bad": 7}')
    assert ensure_sound(one, "off") == SelfCheck(references=7, known_bad=7)
    assert ensure_sound(two, "off") == ensure_sound(one, "jail") == check
    note.write_text("half a no")
    assert ensure_sound(one, "off") == check


def test_a_broken_suite_is_never_noted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What failed once fails again."""
    monkeypatch.setenv("PUNIE_CACHE", str(tmp_path))
    for _ in range(2):
        with pytest.raises(UsageError):
            ensure_sound(make_suite(kind="number", value=float("inf")), "off")
