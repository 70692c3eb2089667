"""Solutions against tests as datasets write them."""

from __future__ import annotations

import pytest

from punie.sandbox.program import CheckResult, read_tests, run_tests

DOUBLE = "def double(x):\n    return 2 * x"


def run(solution: str, *tests: str, entry_point: str | None = None) -> tuple[CheckResult, ...]:
    return run_tests(solution, read_tests(tests, entry_point)).results


@pytest.mark.parametrize(
    ("tests", "checks", "in_process"),
    [
        (["assert double(1) == 2", "assert double('a') == 'aa'"], 2, 0),
        (["import math\nassert double(math.pi) > 6"], 1, 0),
        (["def check(candidate):\n    assert candidate(1) == 2\n    assert candidate(2) == 4, 'two'"], 2, 0),
        (["def check(candidate):\n    for n in range(9):\n        assert candidate(n) == n + n"], 1, 1),
        (["from solution import double\n\ndef test_one():\n    assert double(1) == 2\n"], 1, 0),
        (["def test_one():\n    x = double(1)\n    assert x == 2\n\ndef test_two():\n    assert double(0) == 0"], 2, 1),
        (["for n in range(3):\n    assert double(n) == n + n"], 1, 1),
        (["x = double(2)\nassert x == 4\nx = double(3)\nassert x == 6"], 1, 1),
        (["assert double(1) == 2\n\nif __name__ == '__main__':\n    unknown()"], 1, 0),
    ],
)
def test_right_solutions_pass(tests: list[str], checks: int, in_process: int) -> None:
    """Each way to write tests is understood, and as much of it as can be is decided outside."""
    results = run(DOUBLE, *tests, entry_point="double")
    assert all(result.passed for result in results), results
    assert (len(results), sum(result.in_process for result in results)) == (checks, in_process)


@pytest.mark.parametrize(
    ("solution", "test", "detail"),
    [
        ("def double(x): return x", "assert double(1) == 2", "came 1"),
        ("def double(x): return None", "assert double(1) > 2", "came None"),
        ("def double(x): return 1 / 0", "assert double(1) == 2", "raised: ZeroDivisionError: division by zero"),
        ("def double(x) return", "assert double(1) == 2", "does not compile"),
        ("def twice(x): return 2 * x", "assert double(1) == 2", "raised: NameError: name 'double' is not defined"),
        ("import os\nos._exit(0)", "assert double(1) == 2", "ended early: exit code 0"),
        (DOUBLE, "assert all(double(x) > x for x in [0])", "it is false"),
        (DOUBLE, "for n in [1, 0]:\n    assert double(n) > n", "raised: AssertionError: assert double(n) > n"),
        (DOUBLE, "import nosuch\nassert double(1) == 2", "raised: ModuleNotFoundError"),
    ],
)
def test_what_failed_is_named(solution: str, test: str, detail: str) -> None:
    """A failed check says what came instead, or how it ended; a loop around an assert names the assert."""
    (result,) = run(solution, test)
    assert not result.passed
    assert result.detail.startswith(detail)


def test_each_assert_has_its_own_result() -> None:
    """An exception in one check leaves the others alone."""
    results = run("def f(x): return 10 // x", "assert f(5) == 2", "assert f(0) == 0", "assert f(2) == 5")
    assert [result.passed for result in results] == [True, False, True]


EQUAL_TO_ALL = """
class Same:
    def __eq__(self, other): return True

def f(x): return Same()
"""
CHECKS = ["assert f(2) == 4", "def check(candidate):\n    for x in range(3):\n        assert candidate(x) == 2 * x"]


@pytest.mark.parametrize("check", CHECKS)
def test_only_plain_data_pass(check: str) -> None:
    """An object that calls itself equal to everything fails, wherever the check is decided."""
    program = read_tests([check], "f")
    (honest,) = run_tests("def f(x): return 2 * x", program).results
    (result,) = run_tests(EQUAL_TO_ALL, program).results
    assert honest.passed
    assert not result.passed
    assert "Same" in result.detail


SPY = """
import sys

def answer():
    frame, seen = sys._getframe(), ""
    while frame is not None:
        seen += repr(frame.f_locals) + repr(frame.f_globals)
        frame = frame.f_back
    return 4271873 if "427" + "1873" in seen.replace("return 427" + "1873", "") else 0
"""


@pytest.mark.parametrize(
    "test", ["assert answer() == 4271873", "def check(candidate):\n    assert candidate() == 4271873"]
)
def test_expected_values_do_not_enter_the_child(test: str) -> None:
    """A solution that looks through its whole process for the expected value does not find it."""
    (result,) = run(SPY, test, entry_point="answer")
    assert not result.passed
    assert result.detail == "came 0"


@pytest.mark.parametrize(
    ("tests", "why"),
    [(["assert ("], "no Python"), (["x = 1"], "check nothing"), (["def check(candidate): pass"], "check nothing")],
)
def test_tests_that_test_nothing_are_refused(tests: list[str], why: str) -> None:
    """No check is no pass."""
    with pytest.raises(ValueError, match=why):
        read_tests(tests)
    with pytest.raises(ValueError, match=r"check nothing|no Python"):
        read_tests(tests, "f")
