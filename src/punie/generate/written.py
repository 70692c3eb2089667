"""Conversations that were written, not drawn: about Python, bugs, the shell, git and tools."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import yaml

from punie.conversation import ToolCall

Row = dict[str, Any]


def written_chats() -> list[Row]:
    """All of them, as rows with id and category, in the order of the file."""
    text = files("punie.generate").joinpath("sample_chats.yaml").read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    schemas = {name: _schema(name, tool) for name, tool in document["tools"].items()}
    return [_row(chat, schemas) for chat in document["chats"]]


def _row(chat: Mapping[str, Any], schemas: Mapping[str, Row]) -> Row:
    tools = [schemas[name] for name in chat.get("tools", ())]
    messages = [_message(turn) for turn in chat["turns"]]
    head = {"id": f"written-{chat['id']}", "category": chat["category"], "messages": messages}
    return {**head, "tools": tools} if tools else head


def _message(turn: Mapping[str, Any]) -> Row:
    """`user: text` and so on; `call: {tool: arguments}`; `call_all` for several calls in one turn."""
    ((who, said),) = turn.items()
    if not who.startswith("call"):
        return {"role": who, "content": said}
    calls = [
        ToolCall(name, arguments)
        for call in (said if who == "call_all" else [said])
        for name, arguments in call.items()
    ]
    return {"role": "assistant", "content": "", "tool_calls": [call.to_row() for call in calls]}


def _schema(name: str, tool: Mapping[str, Any]) -> Row:
    properties = {parameter: {"type": kind} for parameter, kind in tool["parameters"].items()}
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": tool["purpose"], "parameters": parameters}}
