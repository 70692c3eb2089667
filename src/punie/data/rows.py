"""What a row must be, so that mlx-lm can learn from it: one small rule per fact, each None or a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ROLES = frozenset({"system", "user", "assistant", "tool"})


def row_problem(row: Mapping[str, Any]) -> str | None:
    """Why this row cannot be taught from, or None."""
    match row_shape(row):
        case "completion":
            return _text_problem(row, "prompt") or _text_problem(row, "completion")
        case "chat" | "chat with tools":
            return _chat_problem(row) or _tools_problem(row)
        case "text":
            return _text_problem(row, "text")
        case _:
            return "has neither messages, nor prompt and completion, nor text"


def row_shape(row: Mapping[str, Any]) -> str:
    """ "completion", "chat", "chat with tools", "text" or "unknown": by the keys mlx-lm looks for, in its order."""
    if "prompt" in row and "completion" in row:
        return "completion"
    if "messages" in row:
        return "chat with tools" if row.get("tools") else "chat"
    return "text" if "text" in row else "unknown"


def _text_problem(row: Mapping[str, Any], key: str) -> str | None:
    value = row[key]
    return None if isinstance(value, str) and value.strip() else f"{key} must be a text that is not empty"


def _tools_problem(row: Mapping[str, Any]) -> str | None:
    tools = row.get("tools") or []
    listed = isinstance(tools, list) and all(isinstance(tool, dict) for tool in tools)
    return None if listed else "tools must be a list of objects"


def _chat_problem(row: Mapping[str, Any]) -> str | None:
    messages = row["messages"]
    if not isinstance(messages, list) or len(messages) < 2:
        return "messages must be a list of at least two messages"
    problems = (_message_problem(number, message) for number, message in enumerate(messages, start=1))
    if (problem := next(filter(None, problems), None)) is not None:
        return problem
    return None if messages[-1]["role"] == "assistant" else "the last message must be the assistant's"


def _message_problem(number: int, message: Any) -> str | None:
    if not isinstance(message, dict):
        return f"message {number} is not an object"
    role, content, calls = message.get("role"), message.get("content"), message.get("tool_calls")
    if not isinstance(role, str) or role not in ROLES:
        return f"message {number} has role {role!r}, which is none of {', '.join(sorted(ROLES))}"
    if content is not None and not isinstance(content, str | list):
        return f"message {number} has content that is neither text nor parts"
    if calls and not (isinstance(calls, list) and all(map(_names_a_function, calls))):
        return f"message {number} has tool calls that name no function"
    return None if content or calls else f"message {number} is empty"


def _names_a_function(call: Any) -> bool:
    """Calls are `{"function": {"name": ..., "arguments": ...}}` or, in some datasets, the inner object alone."""
    function = call.get("function", call) if isinstance(call, dict) else None
    return isinstance(function, dict) and isinstance(function.get("name"), str)
