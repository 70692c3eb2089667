"""Judging tool calls by their structure: names, arguments, types and values; or their absence, where none is right."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from punie.conversation import Row, ToolCall
from punie.degeneration import is_degenerate
from punie.evaluation.equality import same_argument
from punie.evaluation.expectations import CallExpectation, ExpectedCall
from punie.evaluation.matching import assign
from punie.evaluation.score import Score, right, shown, wrong
from punie.toolcalls import spoken_calls

Schemas = Mapping[str, Mapping[str, Any]]
"""The declared properties of each function's arguments."""

_FENCED = re.compile(r"\s*```[^\n]*\n(.*?)\n?[ \t]*(?:```\s*)?\Z", re.DOTALL)
_REFUSAL = re.compile(
    r"\W*(?:(?:i(?:'m| am) (?:very |so |really )?)?sorry|i apologi[sz]e|unfortunately)?\W*(?:but )?"
    r"i(?: can'?t| cannot| can not| won'?t| will not|(?:'m| am) (?:unable|not able) to) "
    r"(?:help|assist|do|answer|comply|fulfill?|provide|continue)(?: you)?(?: with)?(?: that| this| it| your)?"
    r"(?: request| question)?\W*",
    re.IGNORECASE,
)
"""A stock refusal and nothing else. "I can't do that: no tool tells the weather" is an answer."""
_OTHER_FUNCTION = "wrong function"


def score_calls(expect: CallExpectation, tools: Sequence[Row], text: str) -> Score:
    """Exactly the expected calls, in any order. Prose counts for nothing, except where no call is expected.

    `partial` is the share of calls that are right.
    """
    parsed = spoken_calls(text, tools)
    schemas = _schemas(tools)
    if parsed.malformed:
        block = parsed.malformed[0]
        return wrong(block.fault or "unparseable", f"not a tool call: {shown(block.body.strip())}")
    if not parsed.calls:
        return _score_silence(expect, schemas, text)
    return _score_spoken(expect, schemas, parsed.calls)


def _score_spoken(expect: CallExpectation, schemas: Schemas, calls: Sequence[ToolCall]) -> Score:
    if not expect.calls:
        return wrong("called when it should not", f"{shown(calls[0].name)} is called")
    faults = [[_faults(wanted, call, schemas.get(wanted.name, {})) for call in calls] for wanted in expect.calls]
    columns = assign([[not found for found in row] for row in faults])
    share = sum(column is not None for column in columns) / max(len(expect.calls), len(calls))
    if unknown := [call.name for call in calls if schemas and call.name not in schemas]:
        return wrong("unknown function", f"{shown(unknown[0])} is not among the tools", share)
    if len(calls) != len(expect.calls):
        return wrong("wrong number of calls", f"{len(calls)} instead of {len(expect.calls)}", share)
    if share == 1:
        return right("every call is as expected", share)
    return replace(_nearest_fault(faults, columns), partial=share)


def _nearest_fault(faults: Sequence[Sequence[Sequence[Score]]], columns: Sequence[int | None]) -> Score:
    """The first fault of the two unassigned calls that are most alike."""
    rows = [row for row, column in enumerate(columns) if column is None]
    free = [column for column in range(len(columns)) if column not in columns]
    pairs = [faults[row][column] for row in rows for column in free]
    return min(pairs, key=lambda found: (found[0].failure == _OTHER_FUNCTION, len(found)))[0]


def _faults(expected: ExpectedCall, call: ToolCall, properties: Mapping[str, Any]) -> list[Score]:
    if expected.name != call.name:
        return [wrong(_OTHER_FUNCTION, f"{shown(call.name)} instead of {expected.name}")]
    values = expected.values()
    missing = [name for name in values if name not in call.arguments and name not in expected.optional]
    unexpected = [name for name in call.arguments if name not in values]
    found = [wrong("missing argument", f"{call.name}: {name}") for name in missing]
    found += [wrong("unexpected argument", f"{call.name}: {shown(name)}") for name in unexpected]
    for name, accepted in values.items():
        if name in call.arguments:
            same = partial(same_argument, given=call.arguments[name], declared=properties.get(name))
            if not any(same(value, loose_text=expected.loose_text) for value in accepted):
                found.append(_wrong_value(f"{call.name}: {name}", accepted, call.arguments[name]))
    return found


def _wrong_value(where: str, accepted: Sequence[Any], given: Any) -> Score:
    typed = any(type(value) is type(given) for value in map(_as_json, accepted))
    failure = "wrong-value argument" if typed else "wrong-type argument"
    wanted = " or ".join(map(shown, accepted[:3])) + (" or ..." if len(accepted) > 3 else "")
    return wrong(failure, f"{where} is {shown(given)} instead of {wanted}")


def _as_json(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _score_silence(expect: CallExpectation, schemas: Schemas, text: str) -> Score:
    if (name := _shown_call(text, schemas)) is not None:
        return wrong("wrong shape", f"{shown(name)} is written down, but in no form of a call")
    if expect.calls:
        return wrong("no call", "the text holds no tool call", 0.0)
    if is_degenerate(text):
        return wrong("no answer", f"nothing is said in {shown(text)}")
    if _REFUSAL.fullmatch(text):
        return wrong("refusal", "it refuses, and says nothing else")
    return right("answered without a call, as it should")


def _shown_call(text: str, schemas: Schemas) -> str | None:
    """The function that is named where the whole answer, fenced or not, is a JSON object or a list of them."""
    fenced = _FENCED.fullmatch(text)
    try:
        value = json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError):
        return None
    items = value if isinstance(value, list) else [value]
    names = [item.get("name") for item in items if isinstance(item, dict)]
    return next((name for name in names if isinstance(name, str) and name in schemas), None)


def _schemas(tools: Sequence[Row]) -> Schemas:
    functions: list[Row] = [tool.get("function", tool) for tool in tools]
    return {str(function.get("name")): _properties(function.get("parameters")) for function in functions}


def _properties(parameters: Any) -> Mapping[str, Any]:
    properties = parameters.get("properties") if isinstance(parameters, Mapping) else None
    return properties if isinstance(properties, Mapping) else {}
