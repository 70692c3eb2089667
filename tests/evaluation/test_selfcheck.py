from __future__ import annotations

from typing import Any

import pytest

from punie.errors import UsageError
from punie.evaluation.outcomes import SelfCheck
from punie.evaluation.selfcheck import check_suite
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
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_grader_is_named(name: str) -> None:
    """A case whose grader cannot tell right from wrong stops the evaluation before a model is asked."""
    with pytest.raises(UsageError, match="'only'"):
        check_suite(make_suite(**BROKEN[name]), "jail")


def test_a_case_that_needs_no_call_can_be_checked() -> None:
    """Its reference answer is words, its known-bad answers are silence and a call."""
    assert check_suite(make_suite(kind="calls", calls=[]), "off") == SelfCheck(references=1, known_bad=7)
