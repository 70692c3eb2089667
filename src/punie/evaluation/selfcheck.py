"""A suite is checked before any model: reference answers must be right, known-bad answers wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import msgspec

from punie.conversation import ToolCall
from punie.errors import UsageError
from punie.evaluation.equality import same_argument
from punie.evaluation.expectations import CallExpectation, CodeExpectation, ExpectedCall, NumberExpectation
from punie.evaluation.outcomes import Score, SelfCheck
from punie.evaluation.scorers import CodeExecution, RunCode, sandbox, score_answer
from punie.evaluation.suite import Case, Suite
from punie.sandbox.judge import CallResult
from punie.toolcalls import render_call

_STUB = "function"
_BAD_PROGRAMS = {
    "a function that returns None": f"def {_STUB}(*arguments):\n    return None",
    "a program that exits at once": "import sys\nsys.exit(0)",
    "an object equal to everything": f"""class Same:
    def __eq__(self, other):
        return True
def {_STUB}(*arguments):
    return Same()""",
}


def check_suite(suite: Suite, code_execution: CodeExecution) -> SelfCheck:
    """Judge every case's reference answer and known-bad answers.

    Raises UsageError naming the first case whose grader is broken.
    """
    for case in suite.cases:
        _check_written(case)
    run_code = sandbox(code_execution)
    _check_references(suite.cases, run_code)
    return SelfCheck(references=len(suite.cases), known_bad=_check_known_bad(suite.cases, _replaying(run_code)))


def _check_written(case: Case) -> None:
    """What is written to samples.jsonl must be what was asked: no NaN, no dates, no numbers as keys."""
    written = msgspec.json.decode(msgspec.json.encode(case.model_dump(mode="json")))
    if not same_argument(case.model_dump(), written):
        raise UsageError(f"Case {case.id!r} holds a value that JSON cannot keep.", hint="Use JSON values only.")


def _check_references(cases: Sequence[Case], run_code: RunCode) -> None:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for case, score in zip(cases, pool.map(partial(_score_reference, run_code), cases), strict=True):
            if not score.right:
                raise _broken(case, f"its reference answer scores 0 ({score.failure}: {score.reason})")


def _score_reference(run_code: RunCode, case: Case) -> Score:
    reference = case.expect.reference()
    answer = f"```python\n{reference}\n```" if case.expect.kind == "code" else reference
    return score_answer(case, answer, "stop", run_code)


def _check_known_bad(cases: Sequence[Case], run_code: RunCode) -> int:
    count = 0
    for case in cases:
        for name, text in _known_bad(case):
            if score_answer(_with_stub(case), text, "stop", run_code).right:
                raise _broken(case, f"{name} counts as right")
            count += 1
    return count


def _replaying(run_code: RunCode) -> RunCode:
    """The bad programs look at no argument and no case. So each runs in the sandbox once for each number of tests, and
    what came out is judged against every case: hundreds of cases cost three children, not hundreds.
    """
    seen: dict[tuple[str, int], Sequence[CallResult]] = {}

    def replay(source: str, entry_point: str, argument_lists: Sequence[Sequence[Any]]) -> Sequence[CallResult]:
        key = source, len(argument_lists)
        if key not in seen:
            seen[key] = run_code(source, entry_point, argument_lists)
        return seen[key]

    return replay


def _with_stub(case: Case) -> Case:
    if not isinstance(case.expect, CodeExpectation):
        return case
    return case.model_copy(update={"expect": case.expect.model_copy(update={"entry_point": _STUB})})


def _known_bad(case: Case) -> Iterator[tuple[str, str]]:
    """Name and text of answers that must score 0."""
    yield "an empty answer", ""
    match case.expect:
        case CallExpectation() as expect:
            yield from _bad_calls(expect, case)
        case CodeExpectation() as expect:
            yield "a mention of the function", f"I would write the function {expect.entry_point} for this."
            yield from ((name, f"```python\n{source}\n```") for name, source in _BAD_PROGRAMS.items())
        case NumberExpectation() as expect:
            other = expect.value + 1 + abs(expect.value)
            yield "another number", f"Answer: {other:.15g}"
            yield "the number on the way to another", f"First {expect.value:.15g}.\nAnswer: {other:.15g}"


def _bad_calls(expect: CallExpectation, case: Case) -> Iterator[tuple[str, str]]:
    if not expect.calls:
        tool = next((tool.get("function", tool)["name"] for tool in case.tools), "tool")
        yield "a call that is not needed", _text((ExpectedCall(name=tool),))
        return
    first, *others = expect.calls
    yield "a mention of the tool", f"I would call {first.name} for this."
    yield "a call too many", _text((*expect.calls, first))
    yield "an extra argument", _text((_with_argument(first, "_".join(["extra", *first.arguments]), 1), *others))
    for name, value in first.arguments.items():
        yield f"another value of {name}", _text((_with_argument(first, name, _changed(value)), *others))


def _with_argument(call: ExpectedCall, name: str, value: Any) -> ExpectedCall:
    return ExpectedCall(name=call.name, arguments={**call.arguments, name: value})


def _changed(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int() | float():
            return str(value)
        case str():
            return f"{value} "
        case _:
            return [value]


def _text(calls: Sequence[ExpectedCall]) -> str:
    return "\n".join(render_call(ToolCall(call.name, call.arguments)) for call in calls)


def _broken(case: Case, why: str) -> UsageError:
    return UsageError(
        f"The grader of case {case.id!r} is broken: {why}.", hint="Correct what the suite expects. No model was asked."
    )
