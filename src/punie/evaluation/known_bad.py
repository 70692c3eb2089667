"""Answers that no grader may count as right, for every kind of case."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from punie.conversation import ToolCall
from punie.evaluation.expectations import (
    CallExpectation,
    ChoiceExpectation,
    CodeExpectation,
    NumberExpectation,
    TextExpectation,
)
from punie.evaluation.suite import Case
from punie.toolcalls import render_calls

NamedAnswer = tuple[str, str]
"""What is bad about it, and its text."""

_GARBAGE = ")(*: %%% #/\\ ^^ ;; " * 6
_LOOP = "The answer is the answer is " * 12
_BAD_PROGRAMS = {
    "a function that returns None": "def {name}(*arguments, **options):\n    return None",
    "a program that exits at once": "import sys\nsys.exit(0)",
    "an object equal to everything": """class Same:
    def __eq__(self, other):
        return True
def {name}(*arguments, **options):
    return Same()""",
}


def own_bad_answers(case: Case) -> Iterator[NamedAnswer]:
    return ((f"its known-bad answer {number}", text) for number, text in enumerate(case.known_bad, 1))


def bad_answers(case: Case, entry_point: str | None = None) -> Iterator[NamedAnswer]:
    """Those that are bad for every case, and for each of its kind. `entry_point` is how bad programs call theirs."""
    yield "an empty answer", ""
    yield "white space", " \n"
    yield "garbage", _GARBAGE
    match case.expect:
        case CallExpectation(calls=()):
            yield from _bad_abstentions(case)
        case CallExpectation() as expect:
            yield from _bad_calls(expect)
        case CodeExpectation() as expect:
            yield from _bad_code(expect, entry_point or expect.entry_point)
        case NumberExpectation() as expect:
            yield from _bad_numbers(expect)
        case TextExpectation() as expect:
            yield from _bad_texts(expect)
        case ChoiceExpectation() as expect:
            yield from _bad_choices(expect)


def _bad_abstentions(case: Case) -> Iterator[NamedAnswer]:
    tool = next((str(tool.get("function", tool).get("name")) for tool in case.tools), "tool")
    yield "a call that is not needed", render_calls([ToolCall(tool, {})])
    yield "a broken call", f'<tool_call>{{"name": "{tool}", "arguments": '
    if case.tools:
        yield "a call in a code block", f"```json\n{json.dumps({'name': tool, 'arguments': {}})}\n```"
    yield "a loop", _LOOP
    yield "a stock refusal", "I'm sorry, but I can't assist with that."


def _bad_calls(expect: CallExpectation) -> Iterator[NamedAnswer]:
    first, *others = expect.calls
    rest = [call.reference() for call in others]
    call = first.reference()
    yield "a mention of the tool", f"I would call {first.name} for this."
    yield "a call in a code block", f"```\n{render_calls([call, *rest])}\n```"
    yield "a call too many", render_calls([call, *rest, call])
    yield "a call too few", render_calls(rest) or "Done."
    yield "another function", render_calls([ToolCall(f"{call.name}_2", call.arguments), *rest])
    extra = "_".join(["extra", *first.values()])
    yield "an extra argument", render_calls([_with_argument(call, extra, 1), *rest])
    for name, values in first.values().items():
        if (other := _changed(values)) is not None:
            yield f"another value of {name}", render_calls([_with_argument(call, name, other), *rest])
        if name not in first.optional:
            yield f"no {name}", render_calls([_without_argument(call, name), *rest])


def _with_argument(call: ToolCall, name: str, value: Any) -> ToolCall:
    return ToolCall(call.name, {**call.arguments, name: value})


def _without_argument(call: ToolCall, name: str) -> ToolCall:
    return ToolCall(call.name, {key: value for key, value in call.arguments.items() if key != name})


def _changed(values: Sequence[Any]) -> Any:
    """A value like the first that is none of them; numbers become text."""
    match values[0]:
        case bool() as value:
            return None if (not value) in values else not value
        case int() | float() as value:
            return [value] if str(value) in values else str(value)
        case str() as value:
            return next(other for size in count(1) if (other := value + "x" * size) not in values)
        case value:
            return [value, "x"]


def _bad_code(expect: CodeExpectation, entry_point: str) -> Iterator[NamedAnswer]:
    yield "a mention of the function", f"I would write the function {expect.entry_point} for this."
    yield "a function without an end", f"```python\ndef {entry_point}("
    for name, source in _BAD_PROGRAMS.items():
        yield name, f"```python\n{source.format(name=entry_point)}\n```"


def _bad_numbers(expect: NumberExpectation) -> Iterator[NamedAnswer]:
    other = expect.value + 1 + abs(expect.value) + 2 * expect.tolerance
    yield "another number", f"Answer: {other:.15g}"
    yield "the number on the way to another", f"First {expect.value:.15g}.\nAnswer: {other:.15g}"


def _bad_texts(expect: TextExpectation) -> Iterator[NamedAnswer]:
    for text in expect.accepted()[:1]:
        yield "the text on the way to another", f"First {text}.\nAnswer: {text} is not it"


def _bad_choices(expect: ChoiceExpectation) -> Iterator[NamedAnswer]:
    others = [choice for choice in expect.choices if choice != expect.value]
    yield from (("another choice", f"Answer: {choice}") for choice in others)
    yield "two choices", f"Answer: {expect.value} or {others[0]}"
    yield "a list of the choices", "\n".join(f"{choice})" for choice in expect.choices)
