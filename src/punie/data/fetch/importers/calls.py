"""Tool calls, declarations and results as other formats write them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from punie.conversation import ToolCall
from punie.data.fetch.importers.row import CannotImport, literal

Message = dict[str, Any]


def call_message(calls: Sequence[ToolCall], content: str = "") -> Message:
    """The assistant's turn that makes the calls."""
    return {"role": "assistant", "content": content, "tool_calls": [call.to_row() for call in calls]}


def call_of(value: Any) -> ToolCall:
    """`{"name", "arguments"}`, alone or under "function"; arguments may be JSON in a text. Raises CannotImport."""
    inner = value.get("function", value) if isinstance(value, Mapping) else None
    if not isinstance(inner, Mapping) or not isinstance(inner.get("name"), str):
        raise CannotImport(f"a tool call without a name: {str(value)[:80]}")
    arguments = inner.get("arguments", inner.get("parameters"))
    if isinstance(arguments, str):
        arguments = literal(arguments) if arguments.strip() else {}
    if not isinstance(arguments or {}, Mapping):
        raise CannotImport(f"the arguments of {inner['name']} are no object")
    return ToolCall(inner["name"], arguments or {})


def declared(tools: Any) -> list[dict[str, Any]]:
    """Declarations in the form of chat templates, from a list, a JSON text, or bare functions. Raises CannotImport."""
    if isinstance(tools, str):
        tools = literal(tools) if tools.strip() else []
    if not isinstance(tools or [], list) or not all(isinstance(tool, Mapping) for tool in tools or []):
        raise CannotImport("tools is not a list of declarations")
    return [dict(tool) if "function" in tool else {"type": "function", "function": dict(tool)} for tool in tools or []]


def with_tools(messages: Sequence[Message], tools: Any) -> dict[str, Any]:
    """The body of a row: messages, and tools where there are any."""
    declarations = declared(tools)
    return {"messages": list(messages), **({"tools": declarations} if declarations else {})}


def as_text(value: Any) -> str:
    """A tool's result as a message's content."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
