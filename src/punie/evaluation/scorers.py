"""Judging an answer: the text, the case, and nothing else decide.

Whatever the kind of case, an answer cut off by the token limit is wrong ("truncated"). The classes of other failures:

    calls    no call · malformed · unknown tool · wrong number of calls · wrong tool · missing argument ·
             unexpected argument · wrong argument
    code     no code · wrong language · truncated (a block without end) · wrong result, or any ending of a call in the
             sandbox but "returned"
    number   no number · wrong number
    text     no answer · wrong text
    choice   no choice · wrong choice
    keywords missing keyword

A judge's rubric is not judged here: that takes another model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from punie.conversation import ToolCall
from punie.evaluation.answer_scorers import score_choice, score_keywords, score_number, score_text
from punie.evaluation.code_scorer import CodeRunner, code_runner, score_code
from punie.evaluation.degeneration import is_degenerate, measure
from punie.evaluation.equality import same_argument
from punie.evaluation.expectations import (
    CallExpectation,
    ChoiceExpectation,
    CodeExpectation,
    ExpectedCall,
    JudgeExpectation,
    KeywordExpectation,
    NumberExpectation,
    TextExpectation,
)
from punie.evaluation.outcomes import Answer, Outcome, Trial
from punie.evaluation.score import Score, right, shown, wrong
from punie.evaluation.suite import Case
from punie.sandbox.jail import choose_execution
from punie.sandbox.judge import Execution
from punie.toolcalls import parse_calls

CodeExecution = Execution | Literal["off"]
"""Off where no case has code to run."""


def choose_code_execution(cases: Iterable[Case], *, unsafe: bool, ours: bool = False) -> CodeExecution:
    """How the code of these cases is run. Raises SandboxError where one of them has code that cannot be jailed."""
    runs_code = any(case.expect.kind == "code" for case in cases)
    return choose_execution(unsafe=unsafe, ours=ours) if runs_code else "off"


def judge(case: Case, answer: Answer, code_execution: CodeExecution) -> Trial:
    """The trial of an answer. A scorer that breaks leaves it unscored and says why; it never makes it a zero."""
    if code_execution == "off" and case.expect.kind == "code":
        return _unscored(case, answer, "code is not executed in this run")
    try:
        score = score_answer(case, answer.text, answer.finish_reason, runner_of(code_execution))
    except Exception as error:
        return _unscored(case, answer, f"the scorer broke: {error!r}")
    return Trial(
        case=case,
        answer=answer,
        outcome=Outcome.SCORED,
        value=score.value,
        reason=score.reason,
        failure=score.failure,
        partial=score.partial,
        weak=case.expect.weak,
        measurements={**measure(answer.text), **score.measurements},
    )


def runner_of(code_execution: CodeExecution) -> CodeRunner:
    return code_runner("jail" if code_execution == "off" else code_execution)


def score_answer(case: Case, text: str, finish_reason: str, runner: CodeRunner) -> Score:
    """Judge the raw text of a completion. `runner` runs the code of a code case."""
    if finish_reason == "length":
        return wrong("truncated", "the answer was cut off by the token limit")
    match case.expect:
        case CallExpectation() as expect:
            return _score_calls(expect, _declared_names(case), text)
        case CodeExpectation() as expect:
            return score_code(expect, text, runner)
        case NumberExpectation() as expect:
            return score_number(expect, text)
        case TextExpectation() as expect:
            return score_text(expect, text)
        case ChoiceExpectation() as expect:
            return score_choice(expect, text)
        case KeywordExpectation() as expect:
            return score_keywords(expect, text)
        case JudgeExpectation():
            raise ValueError("a rubric is judged by another model")


def _score_calls(expect: CallExpectation, declared: frozenset[str], text: str) -> Score:
    """Exactly the expected calls, in any order. Prose counts for nothing, except where no call is expected."""
    parsed = parse_calls(text)
    if parsed.malformed:
        return wrong("malformed", f"not a tool call: {shown(parsed.malformed[0])}")
    if not parsed.calls:
        if expect.calls:
            return wrong("no call", "the text holds no tool call")
        if is_degenerate(text):
            return wrong("no answer", f"nothing is said in {shown(text)}")
        return right("answered without a call, as it should")
    unknown = [call.name for call in parsed.calls if declared and call.name not in declared]
    if unknown:
        return wrong("unknown tool", f"{shown(unknown[0])} is not among the tools")
    if len(parsed.calls) != len(expect.calls):
        return wrong("wrong number of calls", f"{len(parsed.calls)} instead of {len(expect.calls)}")
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
        return right("every call is as expected")
    call = unmatched[0]
    return _compare_call(next((wanted for wanted in expected if wanted.name == call.name), expected[0]), call)


def _compare_call(expected: ExpectedCall, call: ToolCall) -> Score:
    if expected.name != call.name:
        return wrong("wrong tool", f"{shown(call.name)} instead of {expected.name}")
    values = expected.values()
    for name, accepted in values.items():
        if name not in call.arguments:
            if name in expected.optional:
                continue
            return wrong("missing argument", f"{call.name}: {name}")
        found = call.arguments[name]
        if not any(same_argument(value, found) for value in accepted):
            return wrong("wrong argument", f"{call.name}: {name} is {shown(found)} instead of {shown(accepted[0])}")
    for name in call.arguments:
        if name not in values:
            return wrong("unexpected argument", f"{call.name}: {shown(name)}")
    return right(f"{call.name} as expected")


def _declared_names(case: Case) -> frozenset[str]:
    functions: list[Mapping[str, Any]] = [tool.get("function", tool) for tool in case.tools]
    return frozenset(str(function.get("name")) for function in functions)


def _unscored(case: Case, answer: Answer | None, reason: str) -> Trial:
    return Trial(case=case, answer=answer, outcome=Outcome.UNSCORED, value=None, reason=reason)
