"""Judging an answer: the text, the case, and nothing else decide.

Whatever the kind of case, an answer cut off by the token limit is wrong ("truncated"). The classes of other failures:

    calls    no call · unparseable · wrong shape · unknown function · wrong number of calls · wrong function ·
             missing argument · unexpected argument · wrong-type argument · wrong-value argument
    no call  called when it should not · unparseable · wrong shape · no answer · refusal
    code     no code · wrong language · truncated (a block without end) · wrong result, or any ending of a call in the
             sandbox but "returned"
    number   no number · wrong number
    text     no answer · wrong text
    choice   no choice · wrong choice
    keywords missing keyword

A judge's rubric is not judged here: that takes another model.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from punie.degeneration import measure
from punie.evaluation.answer_scorers import score_choice, score_keywords, score_number, score_text
from punie.evaluation.call_scorer import score_calls
from punie.evaluation.code_scorer import CodeRunner, code_runner, score_code
from punie.evaluation.expectations import (
    CallExpectation,
    ChoiceExpectation,
    CodeExpectation,
    JudgeExpectation,
    KeywordExpectation,
    NumberExpectation,
    TextExpectation,
)
from punie.evaluation.outcomes import Answer, Outcome, Trial
from punie.evaluation.score import Score, wrong
from punie.evaluation.suite import Case
from punie.evaluation.thinking import without_thinking
from punie.sandbox.jail import choose_execution
from punie.sandbox.judge import Execution

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
    if case.expect.kind == "judge":
        return _unscored(case, answer, "a rubric takes a judge, and there is none")
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
        printed=score.printed,
    )


def runner_of(code_execution: CodeExecution) -> CodeRunner:
    return code_runner("jail" if code_execution == "off" else code_execution)


def score_answer(case: Case, text: str, finish_reason: str, runner: CodeRunner) -> Score:
    """Judge the raw text of a completion, without what the model thought. `runner` runs the code of a code case."""
    if finish_reason == "length":
        return wrong("truncated", "the answer was cut off by the token limit")
    text = without_thinking(text)
    match case.expect:
        case CallExpectation() as expect:
            return score_calls(expect, case.tools, text)
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


def _unscored(case: Case, answer: Answer | None, reason: str) -> Trial:
    return Trial(case=case, answer=answer, outcome=Outcome.UNSCORED, value=None, reason=reason)
