"""The suites that come along."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from punie.evaluation.expectations import CallExpectation, CodeExpectation, ExpectedCall
from punie.evaluation.scorers import choose_code_execution
from punie.evaluation.selfcheck import check_suite
from punie.evaluation.suite import Case, built_in, load_suite

WRITTEN = [name for name in built_in() if not load_suite(name).draw]
CASES = [(name, case) for name in WRITTEN for case in load_suite(name).cases]


def name_of(value: Case | ExpectedCall) -> str:
    return value.id if isinstance(value, Case) else value.name


@pytest.mark.parametrize("name", WRITTEN)
def test_every_grader_is_sound(name: str) -> None:
    """Every reference answer scores 1 and every known-bad answer 0, in the jail."""
    suite = load_suite(name)
    checked = check_suite(suite, choose_code_execution(suite.cases, unsafe=False, ours=True))
    assert checked.references == sum(1 + len(case.turns) for case in suite.cases)
    assert checked.known_bad > 5 * len(suite.cases)


@pytest.mark.parametrize("name", WRITTEN)
def test_every_case_is_its_own(name: str) -> None:
    """No question is asked twice, and the suite says what it is."""
    suite = load_suite(name)
    assert suite.description
    assert not [asked for asked, times in Counter(str(case.messages) for case in suite.cases).items() if times > 1]


def test_baseline_has_twenty_of_each_category_and_a_third_to_choose_with() -> None:
    """The three categories of the journal, each with a dev and a test half; three cases more have several turns."""
    counts = Counter((case.category, case.half) for case in load_suite("baseline").cases if not case.turns)
    categories = ("tool_calling", "code_generation", "reasoning")
    assert counts == {(category, half): size for category in categories for half, size in (("dev", 7), ("test", 13))}
    assert Counter(case.half for case in load_suite("baseline").cases if case.turns) == {"dev": 1, "test": 2}


@pytest.mark.parametrize("case", [case for _, case in CASES if isinstance(case.expect, CodeExpectation)], ids=name_of)
def test_no_constant_passes_a_code_case(case: Case) -> None:
    """The tests of a function expect different results, enough of them, and a wrong program is known."""
    assert isinstance(case.expect, CodeExpectation)
    assert len(case.expect.tests) >= 5
    assert len({repr(test.returns) for test in case.expect.tests}) >= 2
    assert case.known_bad


def expected_calls() -> Iterator[tuple[Case, ExpectedCall]]:
    for _, case in CASES:
        for expect in (*(turn.expect for turn in case.turns), case.expect):
            if isinstance(expect, CallExpectation):
                yield from ((case, call) for call in expect.calls)


@pytest.mark.parametrize(("case", "call"), list(expected_calls()), ids=name_of)
def test_expected_calls_are_ones_the_tools_allow(case: Case, call: ExpectedCall) -> None:
    """Every expected call names a declared tool, its declared arguments, and all that are required."""
    declared: dict[str, Any] = {tool["function"]["name"]: tool["function"]["parameters"] for tool in case.tools}
    schema = declared[call.name]
    assert call.values().keys() <= schema["properties"].keys()
    assert set(schema.get("required", ())) <= call.values().keys() - set(call.optional)


def test_algorithms_has_every_type_at_five_difficulties() -> None:
    """Each taught type is asked plain and with a twist, and in another twist of the dev half; references score 1."""
    suite = load_suite("algorithms")
    counts = Counter((case.tags["problem"], case.half) for case in suite.cases)
    assert counts == {("plain", "test"): 90, ("twist", "test"): 90, ("held-out type", "test"): 30, ("twist", "dev"): 90}
    assert {case.tags["difficulty"] for case in suite.cases} == {"1", "3", "5", "7", "10"}
    checked = check_suite(suite, choose_code_execution(suite.cases, unsafe=False, ours=True))
    assert (checked.references, checked.known_bad) == (300, 2700)


def test_tools_are_told_apart() -> None:
    """A tool case offers at least two tools, each with a description."""
    for _, case in CASES:
        assert len(case.tools) != 1
        assert all(tool["function"]["description"] for tool in case.tools)
