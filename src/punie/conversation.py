"""A tool call as a value, and the row it stands in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function name and its arguments by name."""

    name: str
    arguments: Mapping[str, Any]

    def to_row(self) -> dict[str, Any]:
        return {"type": "function", "function": {"name": self.name, "arguments": dict(self.arguments)}}
