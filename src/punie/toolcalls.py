"""Text to tool calls and back: the only parser.

One family so far: JSON between `<tool_call>` and `</tool_call>` (Qwen, Hermes, and the embedded model).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from punie.conversation import ToolCall

_OPEN, _CLOSE = "<tool_call>", "</tool_call>"
_BLOCK = re.compile(rf"{_OPEN}(.*?)(?:{_CLOSE}|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ParsedCalls:
    """The calls found, in order, and the text of every block that is not a call."""

    calls: tuple[ToolCall, ...]
    malformed: tuple[str, ...]


def parse_calls(text: str) -> ParsedCalls:
    """Read every tool-call block of a completion's raw text; prose around the blocks is ignored."""
    calls: list[ToolCall] = []
    malformed: list[str] = []
    for block in _BLOCK.findall(text):
        call = _parse_block(block)
        if call is None:
            malformed.append(block.strip())
        else:
            calls.append(call)
    return ParsedCalls(tuple(calls), tuple(malformed))


def render_call(call: ToolCall) -> str:
    """The text a model writes for one call."""
    body = json.dumps({"name": call.name, "arguments": dict(call.arguments)}, ensure_ascii=False)
    return f"{_OPEN}\n{body}\n{_CLOSE}"


def _parse_block(block: str) -> ToolCall | None:
    try:
        value: Any = json.loads(block)
    except ValueError:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return None
    arguments = value.get("arguments")
    return ToolCall(value["name"], arguments) if isinstance(arguments, Mapping) else None
