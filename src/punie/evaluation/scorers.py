"""Judging an answer: the text, the case, and nothing else decide.

Whatever the kind of case, an answer cut off by the token limit is wrong ("truncated"). The classes of other failures:

    calls    no call · malformed · unknown tool · wrong number of calls · wrong tool · missing argument ·
             unexpected argument · wrong argument
    code     no code · wrong result, or any ending of a call in the sandbox but "returned"
    number   no number · wrong number
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

from punie.conversation import ToolCall
from punie.evaluation.equality import same_argument, same_result
from punie.evaluation.expectations import CallExpectation, CodeExpectation, CodeTest, ExpectedCall, NumberExpectation
from punie.evaluation.extraction import find_code, find_number
from punie.evaluation.outcomes import Answer, Outcome, Score, Trial
from punie.evaluation.suite import Case
from punie.sandbox.jail import choose_execution
from punie.sandbox.judge import CallResult, Ending, Execution, run_function
from punie.toolcalls import parse_calls

CodeExecution = Execution | Literal["off"]
"""Off where no case has code to run."""
RunCode = Callable[[str, str, Sequence[Sequence[Any]]], Sequence[CallResult]]
"""Source, entry point and argument lists in; one result for each argument list out."""

_RELATIVE_TOLERANCE = 1e-9
_SHOWN_CHARACTERS = 120


def choose_code_execution(cases: Iterable[Case], *, unsafe: bool, ours: bool = False) -> CodeExecution:
    """How the code of these cases is run. Raises SandboxError where one of them has code that cannot be jailed."""
    runs_code = any(case.expect.kind == "code" for case in cases)
    return choose_execution(unsafe=unsafe, ours=ours) if runs_code else "off"


def judge(case: Case, answer: Answer, code_execution: CodeExecution) -> Trial:
    """The trial of an answer. A scorer that breaks leaves it unscored and says why; it never makes it a zero."""
    if code_execution == "off" and case.expect.kind == "code":
        return _unscored(case, answer, "code is not executed in this run")
    try:
        score = score_answer(case, answer.text, answer.finish_reason, sandbox(code_execution))
    except Exception as error:
        return _unscored(case, answer, f"the scorer broke: {error!r}")
    return Trial(
        case=case,
        answer=answer,
        outcome=Outcome.SCORED,
        value=score.value,
        reason=score.reason,
        failure=score.failure,
    )


def sandbox(code_execution: CodeExecution) -> RunCode:
    return partial(run_function, execution="jail" if code_execution == "off" else code_execution)


def score_answer(case: Case, text: str, finish_reason: str, run_code: RunCode = run_function) -> Score:
    """Judge the raw text of a completion. `run_code` runs the code of a code case."""
    if finish_reason == "length":
        return _wrong("truncated", "the answer was cut off by the token limit")
    match case.expect:
        case CallExpectation() as expect:
            return _score_calls(expect, _declared_names(case), text)
        case CodeExpectation() as expect:
            return _score_code(expect, text, run_code)
        case NumberExpectation() as expect:
            return _score_number(expect, text)


def _score_calls(expect: CallExpectation, declared: frozenset[str], text: str) -> Score:
    """Exactly the expected calls, in any order. Prose counts for nothing, except where no call is expected."""
    parsed = parse_calls(text)
    if parsed.malformed:
        return _wrong("malformed", f"not a tool call: {_shown(parsed.malformed[0])}")
    if not parsed.calls:
        if expect.calls or not text.strip():
            return _wrong("no call" if expect.calls else "no answer", "the text holds no tool call")
        return _right("answered without a call, as it should")
    unknown = [call.name for call in parsed.calls if declared and call.name not in declared]
    if unknown:
        return _wrong("unknown tool", f"{_shown(unknown[0])} is not among the tools")
    if len(parsed.calls) != len(expect.calls):
        return _wrong("wrong number of calls", f"{len(parsed.calls)} instead of {len(expect.calls)}")
    return _match_calls(list(expect.calls), list(parsed.calls))


def _match_calls(expected: list[ExpectedCall], given: list[ToolCall]) -> Score:
    """Sameness is transitive, so taking the first same call is as good as any assignment."""
    unmatched: list[ToolCall] = []
    for call in given:
        same = next((index for index, wanted in enumerate(expected) if _compare_call(wanted, call).right), None)
        if same is None:
            unmatched.append(call)
        else:
            del expected[same]
    if not unmatched:
        return _right("every call is as expected")
    call = unmatched[0]
    return _compare_call(next((wanted for wanted in expected if wanted.name == call.name), expected[0]), call)


def _compare_call(expected: ExpectedCall, call: ToolCall) -> Score:
    if expected.name != call.name:
        return _wrong("wrong tool", f"{_shown(call.name)} instead of {expected.name}")
    for name, value in expected.arguments.items():
        if name not in call.arguments:
            return _wrong("missing argument", f"{call.name}: {name}")
        if not same_argument(value, call.arguments[name]):
            found = _shown(call.arguments[name])
            return _wrong("wrong argument", f"{call.name}: {name} is {found} instead of {_shown(value)}")
    for name in call.arguments:
        if name not in expected.arguments:
            return _wrong("unexpected argument", f"{call.name}: {_shown(name)}")
    return _right(f"{call.name} as expected")


def _score_code(expect: CodeExpectation, text: str, run_code: RunCode) -> Score:
    """Every test must return what it should. Only arguments go into the sandbox; results are compared here."""
    source = find_code(text)
    if source is None:
        return _wrong("no code", "neither a fenced block nor a line of code")
    results = run_code(source, expect.entry_point, [test.arguments for test in expect.tests])
    for test, result in zip(expect.tests, results, strict=True):
        score = _score_test(f"{expect.entry_point}({', '.join(map(_shown, test.arguments))})", test, result)
        if not score.right:
            return score
    return _right(f"{len(results)} of {len(results)} tests")


def _score_test(called: str, test: CodeTest, result: CallResult) -> Score:
    if result.ending is not Ending.RETURNED:
        return _wrong(result.ending.value, f"{called}: {result.detail or result.ending}")
    if not same_result(test.returns, result.value):
        return _wrong("wrong result", f"{called} returned {_shown(result.value)} instead of {_shown(test.returns)}")
    return _right(called)


def _score_number(expect: NumberExpectation, text: str) -> Score:
    number = find_number(text)
    if number is None:
        return _wrong("no number", "the text holds no number")
    if not math.isclose(number, expect.value, rel_tol=_RELATIVE_TOLERANCE):
        return _wrong("wrong number", f"{number:.15g} instead of {expect.value:.15g}")
    return _right(f"{number:.15g}")


def _declared_names(case: Case) -> frozenset[str]:
    functions: list[Mapping[str, Any]] = [tool.get("function", tool) for tool in case.tools]
    return frozenset(str(function.get("name")) for function in functions)


def _right(reason: str) -> Score:
    return Score(1.0, reason)


def _wrong(failure: str, reason: str) -> Score:
    return Score(0.0, reason, failure)


def _unscored(case: Case, answer: Answer | None, reason: str) -> Trial:
    return Trial(case=case, answer=answer, outcome=Outcome.UNSCORED, value=None, reason=reason)


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        # Python refuses to print integers of more than 4300 digits.
        return f"a {type(value).__name__} too long to show"
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
