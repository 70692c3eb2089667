"""What a row counts as: for each title, the names that one row is counted under. Every count is of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from punie.data.choose.language import language_of
from punie.data.schema import row_shape
from punie.data.source import SourceRow
from punie.toolcalls import family_of, parse_calls

NOTHING = "(none)"
UNSURE = "(too short or unsure)"
_ASKED = 4000
"""Characters of a question whose language is looked for."""


def _label(name: str) -> Callable[[SourceRow], Iterator[str]]:
    def names(row: SourceRow) -> Iterator[str]:
        value = row.label(name)
        yield NOTHING if value is None else str(value)

    return names


def _shapes(row: SourceRow) -> Iterator[str]:
    shape = row_shape(row.row)
    yield "chat with tools" if shape == "chat" and row.row.get("tools") else shape


def _languages(row: SourceRow) -> Iterator[str]:
    """Of what people wrote first: a user's message, the prompt, or the text; of its beginning, where it is long."""
    asked = [message.get("content") for message in _messages(row) if message.get("role") == "user"]
    texts = [text for text in [*asked, row.row.get("prompt"), row.row.get("text")] if isinstance(text, str)]
    yield (language_of(texts[0][:_ASKED]) if texts else None) or UNSURE


def _turns(row: SourceRow) -> Iterator[str]:
    if messages := _messages(row):
        yield str(len(messages))


def _declared(row: SourceRow) -> Iterator[str]:
    tools = row.row.get("tools")
    functions = (
        [tool.get("function", tool) for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    )
    yield from {str(function.get("name")): None for function in functions if isinstance(function, dict)}


def _called(row: SourceRow) -> Iterator[str]:
    """By calls of their own, and by calls written as text in any family's way."""
    names = dict[str, None]()
    for message in _messages(row):
        if message.get("role") == "assistant":
            names.update(dict.fromkeys(_names_of(message.get("tool_calls"))))
            names.update(dict.fromkeys(_names_in(message.get("content"))))
    names.update(dict.fromkeys(_names_in(row.row.get("completion"))))
    yield from names


def _names_of(calls: Any) -> Iterator[str]:
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function", call) if isinstance(call, dict) else None
        if isinstance(function, dict):
            yield str(function.get("name"))


def _names_in(text: Any) -> Iterator[str]:
    if isinstance(text, str) and (family := family_of(text)) is not None:
        yield from (call.name for call in parse_calls(text, family).calls)


def _messages(row: SourceRow) -> list[dict[str, Any]]:
    messages = row.row.get("messages")
    return [message for message in messages if isinstance(message, dict)] if isinstance(messages, list) else []


FACETS: Mapping[str, Callable[[SourceRow], Iterator[str]]] = {
    "shape": _shapes,
    "category": _label("category"),
    "difficulty": _label("difficulty"),
    "language": _languages,
    "messages": _turns,
    "tools declared": _declared,
    "tools called": _called,
}
