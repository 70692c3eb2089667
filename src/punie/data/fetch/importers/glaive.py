"""glaive-function-calling-v2: declarations inside a system text, and a chat in one text with marks for who speaks.

Calls read `<functioncall> {"name": "f", "arguments": '{"a": 1}'}`: the single quotes make them neither JSON nor, where
true or null occur, Python.
"""

from __future__ import annotations

import json
import re
from typing import Any

from punie.conversation import ToolCall
from punie.data.fetch.importers.calls import Message, call_message, call_of, with_tools
from punie.data.fetch.importers.row import CannotImport, Row, Source, imported, literal, text_of
from punie.files import hash_value

_TURN = re.compile(r"(?:\A|\n)\s*(USER|ASSISTANT|FUNCTION RESPONSE):[ \t]*")
_ROLES = {"USER": "user", "ASSISTANT": "assistant", "FUNCTION RESPONSE": "tool"}
_CALL = "<functioncall>"
_END = "<|endoftext|>"
_QUOTED = re.compile(
    r"""\{\s*["']name["']\s*:\s*["'](?P<name>[^"']+)["']\s*,\s*["']arguments["']\s*:\s*'(?P<json>.*)'\s*\}""", re.DOTALL
)


def convert_glaive(source: Source) -> Row:
    system, tools = _declarations(text_of(source, "system"))
    messages = [*([{"role": "system", "content": system}] if system else []), *_messages(text_of(source, "chat"))]
    body = with_tools(messages, tools)
    return imported(
        body,
        source,
        {"system", "chat"},
        origin="glaive",
        id=f"glaive-{hash_value([source['system'], source['chat']])[:12]}",
        category="tool_calling" if tools else "chat",
        licence="Apache-2.0",
    )


def _declarations(text: str) -> tuple[str, list[Any]]:
    """The system text without the declarations, and the declarations."""
    text = text.removeprefix("SYSTEM:").strip()
    start = text.find("{")
    if start < 0:
        return text, []
    tools, rest = [], text[start:]
    while rest:
        try:
            tool, end = json.JSONDecoder(strict=False).raw_decode(rest)
        except ValueError:
            raise CannotImport(f"a declaration is no JSON: {rest[:80]!r}") from None
        tools.append(tool)
        rest = rest[end:].lstrip(" \t\r\n,")
    return text[:start].rstrip().removesuffix("-").rstrip(), tools


def _messages(chat: str) -> list[Message]:
    before, *parts = _TURN.split(chat)
    if before.strip() or not parts:
        raise CannotImport("the chat does not begin with USER, ASSISTANT or FUNCTION RESPONSE")
    turns = zip(parts[::2], parts[1::2], strict=True)
    return [_message(_ROLES[mark], text.replace(_END, "").strip()) for mark, text in turns]


def _message(role: str, text: str) -> Message:
    said, mark, call = text.partition(_CALL)
    if role != "assistant" or not mark:
        return {"role": role, "content": text}
    return call_message([_call(call.strip())], said.strip())


def _call(text: str) -> ToolCall:
    quoted = _QUOTED.fullmatch(text)
    if quoted is None:
        return call_of(literal(text))
    arguments = quoted["json"].replace("\\'", "'")
    return call_of({"name": quoted["name"], "arguments": literal(arguments)})
