"""What a grader read from an answer: the number, the calls, the lines of code."""

from __future__ import annotations

from collections.abc import Iterable

from punie.conversation import ToolCall
from punie.evaluation.expectations import (
    CallExpectation,
    ChoiceExpectation,
    CodeExpectation,
    NumberExpectation,
    TextExpectation,
)
from punie.evaluation.extraction import find_code
from punie.evaluation.final_answer import find_choice, find_number, find_text
from punie.evaluation.outcomes import Outcome, Trial
from punie.evaluation.score import shown
from punie.evaluation.thinking import without_thinking
from punie.toolcalls import spoken_calls


def extracted(trial: Trial) -> str:
    """In a few words; empty where nothing was found, or the answer was judged as a whole or not at all."""
    if trial.answer is None or trial.outcome is not Outcome.SCORED or trial.answer.finish_reason == "length":
        return ""
    text = without_thinking(trial.answer.text)
    match trial.case.expect:
        case CallExpectation():
            return _calls(spoken_calls(text, trial.case.tools).calls)
        case CodeExpectation(entry_point=name):
            return _lines(trial.answer.text, find_code(text, name).text)
        case NumberExpectation():
            number = find_number(text)
            return "" if number is None else f"{number:.15g}"
        case TextExpectation():
            return shown(find_text(text) or "")
        case ChoiceExpectation(choices=choices):
            return find_choice(text, choices) or ""
        case _:
            return ""


def _calls(calls: Iterable[ToolCall]) -> str:
    return "; ".join(f"{call.name}({_arguments(call)})" for call in calls)


def _arguments(call: ToolCall) -> str:
    return ", ".join(f"{name}={shown(value)}" for name, value in call.arguments.items())


def _lines(text: str, code: str) -> str:
    """Where the code stands in the answer; the code is on the page already."""
    start = text.find(code)
    if not code or start < 0:
        return code
    first, last = 1 + text.count("\n", 0, start), 1 + text.count("\n", 0, start + len(code.rstrip()))
    return f"line {first}" if first == last else f"lines {first} to {last}"
