"""Cases about declared tools that no generated training row has: other arguments, other wordings, other tools."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from punie.conversation import ToolCall
from punie.data.source import open_source
from punie.errors import DataError, UsageError
from punie.files import read_jsonl
from punie.generate.dice import Dice
from punie.generate.toolcalls.conversations import Author, Drawn
from punie.generate.toolcalls.dataset import known_tools
from punie.generate.toolcalls.declared import DeclaredTool
from punie.generate.toolcalls.exchanges import Exchange
from punie.generate.toolcalls.schemas import Schema

Row = dict[str, Any]

_KINDS: Mapping[str, str] = {
    "new_wordings": "call",
    "new_tools": "call",
    "parallel": "parallel",
    "multi_turn": "multi_turn",
    "no_call": "negative",
}
"""The kind of conversation of each category."""
_PATIENCE = 2_000


def categories(tools: Path | None = None) -> tuple[str, ...]:
    """Those that these tools have cases of: new tools only where some are held out."""
    held_out = any(tool.held_out for tool in known_tools(tools))
    return tuple(name for name in _KINDS if held_out or name != "new_tools")


def draw_cases(counts: Mapping[str, int], seed: int, tools: Path | None = None) -> Iterator[Row]:
    """Cases by category, as rows of `punie.evaluation.suite.Case`; every third is for choosing. No question is twice.

    Raises UsageError at a category that these tools do not have, or have too few cases of.
    """
    declared, known = known_tools(tools), categories(tools)
    for category, count in counts.items():
        if category not in known:
            raise UsageError(f"There is no category {category!r} to draw.", hint=f"Known: {', '.join(known)}.")
        author = _author(category, declared, Dice(f"toolcalls cases {seed} {category}"))
        seen = set[str]()
        for number in range(count):
            case = _case(_draw_new(author, category, number, seen))
            half = {"half": "dev"} if _half(number) == "dev" else {}
            yield {"id": f"{category}-{number + 1:03d}", "category": category, **half, **case}


def count_cases(counts: Mapping[str, int]) -> Counter[str]:
    """How many cases of each half `draw_cases` gives, without drawing them."""
    return Counter(_half(number) for count in counts.values() for number in range(count))


def _half(number: int) -> str:
    return "test" if number % 3 else "dev"


def require_unseen(cases: Sequence[Mapping[str, Any]], folder: Path, tools: Path | None = None) -> int:
    """How many rows of a dataset share nothing with these cases: no question, no call, no tool that is held out.

    Calls of tools whose arguments are few are not compared. Raises DataError at a row that shares something, or whose
    messages cannot be read.
    """
    declared = {tool.name: tool for tool in known_tools(tools)}
    questions = {case["messages"][0]["content"] for case in cases}
    expected = (call for case in cases for step in (*case.get("turns", ()), case["expect"]) for call in step["calls"])
    asked = {_spelt(call) for call in expected if declared[call["name"]].is_open}
    number = 0
    for path in open_source(folder).splits.values():
        for line, row in read_jsonl(path):
            number += 1
            if (what := _shared(row, questions, asked, declared)) is not None:
                raise DataError(f"A row shares {what} with the suite.", where=f"{path}:{line}", hint=_OTHER_SUITE)
    return number


_OTHER_SUITE = "Give the rows with messages that `punie dataset generate toolcalls` wrote from the same tools."


def _author(category: str, tools: Sequence[DeclaredTool], dice: Dice) -> Author:
    taught, held_out = [tool for tool in tools if not tool.held_out], [tool for tool in tools if tool.held_out]
    return (
        Author(held_out, taught, dice, suite=True) if category == "new_tools" else Author(taught, (), dice, suite=True)
    )


def _draw_new(author: Author, category: str, number: int, seen: set[str]) -> Drawn:
    """A conversation with one question, which is new; a second one would follow what the model itself has answered."""
    for attempt in range(_PATIENCE):
        drawn = author.draw(_KINDS[category], number + attempt)
        if drawn is not None and drawn.form != "follow-up" and drawn.question not in seen:
            seen.add(drawn.question)
            return drawn
    raise UsageError(
        f"These tools do not give enough different cases of {category}.", hint="Ask for fewer, or declare more tools."
    )


def _case(drawn: Drawn) -> Row:
    """What is asked is all that stands before the first call; the calls of the last exchange are what is right."""
    schemas = {tool.name: tool.parameters for tool in drawn.tools}
    texts = [turn for turn in drawn.turns if isinstance(turn, str)]
    asked = texts if drawn.exchanges else texts[:1]
    messages = [{"role": ("user", "assistant")[place % 2], "content": text} for place, text in enumerate(asked)]
    *earlier, last = drawn.exchanges or (None,)
    turns = [{"calls": _expected(turn, schemas), "results": list(turn.results)} for turn in earlier if turn is not None]
    case: Row = {
        "messages": messages,
        "tools": [tool.declaration() for tool in drawn.tools],
        "tags": {"form": drawn.form},
    }
    if turns:
        case["turns"] = turns
    case["expect"] = {"kind": "calls", "calls": _expected(last, schemas) if last else []}
    return case if last else {**case, "reference": texts[1]}


def _expected(turn: Exchange, schemas: Mapping[str, Schema]) -> list[Row]:
    return [_expected_call(call, schemas[call.name]) for call in turn.calls]


def _expected_call(call: ToolCall, schema: Schema) -> Row:
    """An optional argument that was not asked for may be given at its declared default."""
    defaults = {name: [one["default"]] for name, one in schema.get("properties", {}).items() if "default" in one}
    accept = {name: value for name, value in defaults.items() if name not in call.arguments}
    row: Row = {"name": call.name, "arguments": dict(call.arguments)}
    return {**row, "accept": accept, "optional": list(accept)} if accept else row


def _shared(row: Row, questions: set[str], asked: set[str], declared: Mapping[str, DeclaredTool]) -> str | None:
    if "messages" not in row:
        return "what cannot be seen in a text"
    offered = [tool["function"]["name"] for tool in row.get("tools", ())]
    if held_out := [name for name in offered if name in declared and declared[name].held_out]:
        return f"the tool {held_out[0]}"
    for message in row["messages"]:
        if message["content"] in questions:
            return f"the question {message['content']!r}"
        for call in message.get("tool_calls", ()):
            if _spelt(call["function"]) in asked:
                return f"a call of {call['function']['name']}"
    return None


def _spelt(call: Mapping[str, Any]) -> str:
    return json.dumps([call["name"], call["arguments"]], sort_keys=True)
