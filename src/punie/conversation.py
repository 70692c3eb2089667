"""Values of a conversation, lossless to and from a JSON row.

A row is one of mlx-lm's shapes that carry messages: `{"messages": [...], "tools": [...], ...}`.
Fields nobody here knows are kept in `extra` and written back in their place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, Any]

_MESSAGE_KEYS = frozenset({"role", "content", "tool_calls"})
_CONVERSATION_KEYS = frozenset({"messages", "tools"})


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function name and its arguments by name."""

    name: str
    arguments: Mapping[str, Any]

    def to_row(self) -> dict[str, Any]:
        return {"type": "function", "function": {"name": self.name, "arguments": dict(self.arguments)}}


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `tool_calls` holds the row's own call objects, untouched."""

    role: str
    content: str | None = None
    tool_calls: tuple[Row, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_row(cls, row: Row) -> Message:
        return cls(
            role=row["role"],
            content=row.get("content"),
            tool_calls=tuple(row.get("tool_calls") or ()),
            extra={key: value for key, value in row.items() if key not in _MESSAGE_KEYS},
        )

    def to_row(self) -> dict[str, Any]:
        calls = {"tool_calls": list(self.tool_calls)} if self.tool_calls else {}
        return {"role": self.role, "content": self.content, **calls, **self.extra}


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages, the tools declared for them, and whatever else the row carried."""

    messages: tuple[Message, ...]
    tools: tuple[Row, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_row(cls, row: Row) -> Conversation:
        return cls(
            messages=tuple(Message.from_row(message) for message in row["messages"]),
            tools=tuple(row.get("tools") or ()),
            extra={key: value for key, value in row.items() if key not in _CONVERSATION_KEYS},
        )

    def to_row(self) -> dict[str, Any]:
        tools = {"tools": list(self.tools)} if self.tools else {}
        return {"messages": [message.to_row() for message in self.messages], **tools, **self.extra}
