"""Rows of public benchmarks, and chats, as cases. What a row holds is read by `punie.data.fetch.importers`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from pydantic import ValidationError

from punie.conversation import ToolCall
from punie.data.compare.syntax import functions, parse
from punie.data.fetch.importers import bfcl
from punie.data.fetch.importers.benchmarks import convert_humaneval, convert_mbpp
from punie.data.fetch.importers.calls import call_of
from punie.data.fetch.importers.chats import convert_openai, convert_sharegpt
from punie.data.fetch.importers.row import CannotImport, Row, Source, text_of
from punie.evaluation.expectations import (
    CallExpectation,
    CodeExpectation,
    Expectation,
    ExpectedCall,
    JudgeExpectation,
    TextExpectation,
)
from punie.evaluation.final_answer import find_text, plain
from punie.evaluation.suite import Case
from punie.toolcalls import family_of, parse_calls

CaseOf = Callable[[Source], Case]

_COMPLETE = "Complete this Python function. Answer with the whole function."
_PASS = "Your code must pass these tests:"
_RUBRIC = "The answer says what the right answer says, leaves nothing important out, and contradicts none of it."
_LEFT_OUT = ""
"""How the leaderboard's answers say that an argument may be missing."""


def humaneval_case(source: Source) -> Case:
    """What stands before the function, imports and helpers, is there for the answer, too."""
    row = convert_humaneval(source)
    prompt, about = row["prompt"], row["metadata"]
    preamble, found, _ = prompt.partition(f"def {about['entry_point']}(")
    if not found:
        raise CannotImport(f"the prompt does not define {about['entry_point']}")
    expect = CodeExpectation(
        entry_point=about["entry_point"],
        check=about["tests"][0],
        preamble=preamble.strip(),
        solution=row["completion"],
    )
    return _case(row, _said(f"{_COMPLETE}\n\n```python\n{prompt.strip()}\n```"), expect)


def mbpp_case(source: Source) -> Case:
    """The tests are part of the question, as its authors ask it: nothing else says what the function is called."""
    row = convert_mbpp(source)
    tests, setup = row["metadata"]["tests"], row["metadata"]["setup"]
    lines = "\n".join(tests)
    # A few have a setup, which uses what the solution defines.
    form = {"check": f"{setup}\n{lines}"} if setup else {"asserts": tests}
    expect = CodeExpectation(entry_point=_called(row["completion"], tests), solution=row["completion"], **form)
    return _case(row, _said(f"{row['prompt']} {_PASS}\n\n```python\n{lines}\n```"), expect)


def bfcl_case(answers: Mapping[Any, Any]) -> CaseOf:
    """Converts questions of one turn. Without an answer by its id, a question is right without a call."""

    def convert(source: Source) -> Case:
        id, body = text_of(source, "id"), bfcl.asked(source)
        functions = [tool["function"] for tool in body["tools"]]
        required = {function["name"]: function["parameters"].get("required", ()) for function in functions}
        calls = [_expected_call(call, required) for call in answers.get(id) or ()]
        bfcl.require_declared([ToolCall(call.name, call.values()) for call in calls], body["tools"])
        about = {"source": "bfcl", "licence": "Apache-2.0"}
        row = {"id": id, "category": id.rpartition("_")[0], **body, "metadata": about}
        return _case(row, body["messages"], CallExpectation(calls=calls))

    return convert


def chat_case(source: Source) -> Case:
    """The last message is the reference. Calls are compared as calls, where tools are offered silence is right, a line
    is compared word for word, and anything longer is left to a judge.
    """
    row = (convert_sharegpt if "conversations" in source else convert_openai)(source)
    *asked, answer = row["messages"]
    if not asked or answer["role"] != "assistant":
        raise CannotImport("it does not end with an answer of the assistant")
    reference = str(answer.get("content") or "")
    calls = _calls_of(answer, row)
    if not calls and not reference.strip():
        raise CannotImport("the last answer is empty")
    return _case(row, asked, _expected_answer(calls, reference, row), None if calls else reference)


def _case(row: Row, messages: Sequence[Row], expect: Expectation, reference: str | None = None) -> Case:
    about = row["metadata"]
    return Case(
        id=row["id"],
        category=row["category"],
        messages=messages,
        tools=row.get("tools", ()),
        expect=expect,
        reference=reference,
        source=about["source"],
        licence=about["licence"],
    )


def _said(text: str) -> list[Row]:
    return [{"role": "user", "content": text}]


def _called(code: str, tests: Sequence[str]) -> str:
    """The function of the solution that the tests call."""
    tree = parse(code)
    names = [function.name for function in functions(tree)] if tree else []
    called = (name for name in names if any(re.search(rf"\b{re.escape(name)}\(", test) for test in tests))
    if (name := next(called, None)) is None:
        raise CannotImport("the tests call no function of the solution")
    return name


def _expected_call(call: Mapping[str, Any], required: Mapping[str, Sequence[str]]) -> ExpectedCall:
    """The first value that is allowed is the one of the reference; what is declared as required is never left out. The
    leaderboard compares texts loosely, too.
    """
    ((name, allowed),) = call.items()
    given = {key: _values(values) for key, values in allowed.items()}
    known = {key: values for key, values in given.items() if values}
    optional = tuple(key for key in known if _LEFT_OUT in allowed[key] and key not in required.get(name, ()))
    return ExpectedCall(
        name=name,
        arguments={key: values[0] for key, values in known.items() if key not in optional},
        accept={key: rest for key, values in known.items() if (rest := values if key in optional else values[1:])},
        optional=optional,
        loose_text=True,
    )


def _values(allowed: Sequence[Any]) -> list[Any]:
    return [value for item in allowed if item != _LEFT_OUT for value in _spelt_out(item)]


def _spelt_out(value: Any) -> list[Any]:
    """Objects list the allowed values of their fields again: every combination of them is a value."""
    if isinstance(value, Mapping):
        fields = [[(key, one) for one in _values(allowed)] for key, allowed in value.items()]
        return [dict(chosen) for chosen in product(*fields)]
    if isinstance(value, list):
        return [list(chosen) for chosen in product(*map(_spelt_out, value))]
    return [value]


def _calls_of(answer: Row, row: Row) -> list[ToolCall]:
    if answer.get("tool_calls"):
        return [call_of(call) for call in answer["tool_calls"]]
    text, tools = str(answer.get("content") or ""), row.get("tools", ())
    family = family_of(text) if tools else None
    return list(parse_calls(text, family, tools).calls) if family else []


def _expected_answer(calls: Sequence[ToolCall], reference: str, row: Row) -> Expectation:
    if calls or row.get("tools"):
        return CallExpectation(calls=[ExpectedCall(name=call.name, arguments=call.arguments) for call in calls])
    lines = [line for line in reference.splitlines() if line.strip()]
    final = find_text(reference)
    if final and (len(lines) == 1 or final != plain(lines[-1])):
        return TextExpectation(value=final)
    return JudgeExpectation(rubric=_RUBRIC, answer=reference)


def why_invalid(error: ValidationError) -> str:
    """The first reason in one line."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}".removeprefix(": ")
