"""Judging code: the function is found, run in the sandbox, and its results are compared here."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from punie.evaluation.equality import same_result
from punie.evaluation.expectations import CodeExpectation, CodeTest
from punie.evaluation.extraction import find_code, is_python, method_owner
from punie.evaluation.score import Score, right, shown, wrong
from punie.sandbox.judge import CallResult, Ending, Execution, Ran, run_function
from punie.sandbox.program import CheckProgram, CheckResult, read_tests, run_tests

_FUTURE = re.compile(r"^from __future__ import .*\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CodeRunner:
    """How code is run: a function on argument lists, or source against checks. One result for each."""

    call: Callable[[str, str, Sequence[Sequence[Any]]], Ran[CallResult]]
    check: Callable[[str, CheckProgram], Ran[CheckResult]]


def code_runner(execution: Execution) -> CodeRunner:
    return CodeRunner(partial(run_function, execution=execution), partial(run_tests, execution=execution))


def score_code(expect: CodeExpectation, text: str, runner: CodeRunner) -> Score:
    """Right when every test holds; `partial` is the share that does.

    Measured: `syntax`, 1 where the code is Python, and `in_process`, how many checks were decided in the candidate's
    own process. Raises ValueError where the case's tests cannot be read.
    """
    code = find_code(text, expect.entry_point)
    if code.missing:
        return wrong(code.missing, _WITHOUT_CODE[code.missing])
    source = _whole_source(expect, code.text)
    score = _score_calls(expect, source, runner) if expect.tests else _score_checks(expect, source, runner)
    return replace(score, measurements={**score.measurements, "syntax": float(is_python(code.text))})


_WITHOUT_CODE = {
    "no code": "neither a fenced block nor a line of code",
    "wrong language": "no fenced block is Python",
    "truncated": "the block with the function has no end",
}


def _whole_source(expect: CodeExpectation, code: str) -> str:
    """The preamble before the code, and a method of a class as the function that is asked for behind it."""
    owner = method_owner(code, expect.entry_point)
    wrapped = f"\n\n{expect.entry_point} = {owner}().{expect.entry_point}\n" if owner else ""
    if not expect.preamble:
        return code + wrapped
    future = "".join(_FUTURE.findall(code))
    return f"{future}{expect.preamble}\n\n{_FUTURE.sub('', code)}{wrapped}"


def _score_calls(expect: CodeExpectation, source: str, runner: CodeRunner) -> Score:
    ran = runner.call(source, expect.entry_point, [test.arguments for test in expect.tests])
    pairs = zip(expect.tests, ran.results, strict=True)
    score = _summed([_score_test(expect.entry_point, test, result) for test, result in pairs])
    return replace(score, printed=ran.printed)


def _score_test(entry_point: str, test: CodeTest, result: CallResult) -> Score:
    called = f"{entry_point}({', '.join(map(shown, test.arguments))})"
    if result.ending is not Ending.RETURNED:
        return wrong(result.ending.value, f"{called}: {result.detail or result.ending}")
    if not same_result(test.returns, result.value):
        return wrong("wrong result", f"{called} returned {shown(result.value)} instead of {shown(test.returns)}")
    return right(called)


def _score_checks(expect: CodeExpectation, source: str, runner: CodeRunner) -> Score:
    program = read_tests(expect.asserts or (expect.check,), expect.entry_point)
    ran = runner.check(source, program)
    inside = float(sum(result.in_process for result in ran.results))
    score = _summed([_score_check(result) for result in ran.results])
    return replace(score, printed=ran.printed, measurements={"in_process": inside})


def _score_check(result: CheckResult) -> Score:
    if result.passed:
        return right(result.check.text)
    failure = "wrong result" if result.ending is Ending.RETURNED else result.ending.value
    return wrong(failure, f"{result.check.text}: {result.detail}")


def _summed(scores: Sequence[Score]) -> Score:
    """The first wrong one says why."""
    passed = sum(score.right for score in scores)
    first = next((score for score in scores if not score.right), None)
    score = first or right(f"{passed} of {len(scores)} tests")
    return replace(score, partial=passed / len(scores))
