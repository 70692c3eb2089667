"""What is written: the question as the student will be asked it, and the answer that was verified."""

from __future__ import annotations

from typing import Any

from punie.distil.choice import solution_of
from punie.evaluation.expectations import CodeExpectation
from punie.evaluation.outcomes import Trial
from punie.evaluation.suite import Case
from punie.evaluation.thinking import without_thinking
from punie.serving.completion import Messages
from punie.toolcalls import spoken_calls


def asked_messages(case: Case, teacher_system: str) -> Messages:
    """The case's messages with what only the teacher is told, before the case's own system text."""
    first = case.messages[0]
    if not teacher_system:
        return case.messages
    if first["role"] != "system":
        return ({"role": "system", "content": teacher_system}, *case.messages)
    return ({**first, "content": f"{teacher_system}\n\n{first['content']}"}, *case.messages[1:])


def distilled_row(trial: Trial, teacher: str) -> dict[str, Any]:
    """Messages are the case's own, untouched, so the student is trained on the prompt that it is served."""
    case = trial.case
    tools = {"tools": list(case.tools)} if case.tools else {}
    about = {"teacher": teacher, "task": case.id, "sample": trial.sample, "verified": trial.reason, **_tested(trial)}
    head = {"id": f"{case.id}-{trial.sample}", "category": case.category, "source": "distil"}
    return {**head, "messages": [*case.messages, _answer(trial)], **tools, "metadata": about}


def _answer(trial: Trial) -> dict[str, Any]:
    """The text without what the model said to itself. Tool calls become calls, which each student's template writes."""
    assert trial.answer is not None, "only what was answered is kept"
    if trial.case.expect.kind == "calls":
        calls = spoken_calls(trial.answer.text, trial.case.tools).calls
        if calls:
            return {"role": "assistant", "content": "", "tool_calls": [call.to_row() for call in calls]}
    return {"role": "assistant", "content": without_thinking(trial.answer.text).strip()}


def _tested(trial: Trial) -> dict[str, Any]:
    """The code and its tests, as `punie dataset verify` reads them."""
    expect = trial.case.expect
    if not isinstance(expect, CodeExpectation):
        return {}
    tests = [f"assert {line}" for line in expect.checks()] if expect.tests else list(expect.checks())
    solution = "\n\n".join(filter(None, [expect.preamble, solution_of(trial)]))
    return {"entry_point": expect.entry_point, "solution": solution, "tests": tests}
