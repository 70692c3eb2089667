"""What a row must be, so that mlx-lm can learn from it: one small rule per fact, each None or a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ROLES = frozenset({"system", "user", "assistant", "tool"})


def row_problem(row: Mapping[str, Any]) -> str | None:
    """Why this row cannot be taught from, or None. Shapes as in mlx-lm: messages, prompt + completion, text."""
    if "messages" in row:
        return _chat_problem(row)
    if "prompt" in row and "completion" in row:
        return _blank(row, "prompt") or _blank(row, "completion")
    if "text" in row:
        return _blank(row, "text")
    return "has neither messages, nor prompt and completion, nor text"


def row_shape(row: Mapping[str, Any]) -> str:
    """ "chat", "chat with tools", "completion" or "text", for a row that has no problem."""
    if "messages" in row:
        return "chat with tools" if row.get("tools") else "chat"
    return "completion" if "completion" in row else "text"


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
    if message.get("role") not in ROLES:
        return f"message {number} has role {message.get('role')!r}, which is none of {', '.join(sorted(ROLES))}"
    content, calls = message.get("content"), message.get("tool_calls")
    if content is not None and not isinstance(content, (str, list)):
        return f"message {number} has content that is neither text nor parts"
    return None if content or calls else f"message {number} is empty"


def _blank(row: Mapping[str, Any], key: str) -> str | None:
    value = row[key]
    return None if isinstance(value, str) and value.strip() else f"{key} must be a text that is not empty"
