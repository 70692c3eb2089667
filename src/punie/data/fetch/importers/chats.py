"""Three ways to write down a chat: alpaca (instruction, input, output), sharegpt (from, value), openai (messages)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from punie.data.fetch.importers.calls import Message, as_text, call_message, call_of, with_tools
from punie.data.fetch.importers.row import CannotImport, Row, Source, imported, literal, text_of
from punie.files import hash_value

_ROLES = {
    "system": "system",
    "developer": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "assistant": "assistant",
    "model": "assistant",
    "tool": "tool",
    "function": "tool",
    "observation": "tool",
    "function_response": "tool",
}
_CALLING = frozenset({"function_call", "tool_call"})
_TURN_KEYS = frozenset({"role", "from", "content", "value", "tool_calls", "function_call"})
_UNKNOWN = "unknown"


def convert_alpaca(source: Source) -> Row:
    """`input` follows the instruction after a blank line; `system` and `history` (pairs) are turns before it."""
    question = "\n\n".join(filter(None, (text_of(source, "instruction"), _optional(source, "input").strip())))
    messages = [*_system(source), *_history(source), _said("user", question)]
    body = {"messages": [*messages, _said("assistant", text_of(source, "output"))]}
    return _chat(body, source, {"instruction", "input", "output", "system", "history"}, "alpaca")


def convert_sharegpt(source: Source) -> Row:
    """Turns under `conversations`; `function_call` turns become tool calls, `observation` turns their results."""
    body = with_tools([*_system(source), *messages_of(source.get("conversations"))], source.get("tools"))
    return _chat(body, source, {"conversations", "system", "tools"}, "sharegpt")


def convert_openai(source: Source) -> Row:
    """The form of OpenAI's fine-tuning files, with the older `functions` and `function_call`."""
    body = with_tools(messages_of(source.get("messages")), source.get("tools") or source.get("functions"))
    return _chat(body, source, {"messages", "tools", "functions"}, "openai")


def messages_of(turns: Any) -> list[Message]:
    """Turns of either form, with mlx-lm's roles. Raises CannotImport at a turn that has none."""
    if not isinstance(turns, Sequence) or isinstance(turns, str) or not turns:
        raise CannotImport("there is no list of turns")
    return [_message(number, turn) for number, turn in enumerate(turns, start=1)]


def _message(number: int, turn: Any) -> Message:
    if not isinstance(turn, Mapping):
        raise CannotImport(f"turn {number} is not an object")
    said = turn.get("role", turn.get("from"))
    content = turn.get("content", turn.get("value"))
    if said in _CALLING:
        return call_message(_calls(content))
    if said not in _ROLES:
        raise CannotImport(f"turn {number} is by {said!r}, whom nobody knows")
    rest = {key: value for key, value in turn.items() if key not in _TURN_KEYS}
    calls = turn.get("tool_calls") or ([turn["function_call"]] if turn.get("function_call") else [])
    if calls:
        ids = [{"id": call["id"]} if isinstance(call, Mapping) and call.get("id") else {} for call in calls]
        made = call_message([call_of(call) for call in calls], content or "")
        made["tool_calls"] = [{**id, **call} for id, call in zip(ids, made["tool_calls"], strict=True)]
        return {**made, **rest}
    parts = isinstance(content, list) and _ROLES[said] != "tool"
    return {"role": _ROLES[said], "content": content if parts else as_text(content or ""), **rest}


def _calls(content: Any) -> list[Any]:
    value = literal(content) if isinstance(content, str) else content
    return [call_of(call) for call in (value if isinstance(value, list) else [value])]


def _chat(body: Row, source: Source, used: set[str], origin: str) -> Row:
    id = source.get("id") or source.get("conversation_id") or f"{origin}-{hash_value(body)[:12]}"
    category = source.get("category")
    return imported(
        body,
        source,
        used | {"id", "category", "licence", "license"},
        origin=origin,
        id=str(id),
        category=category if isinstance(category, str) and category else "chat",
        licence=str(source.get("licence") or source.get("license") or _UNKNOWN),
    )


def _system(source: Source) -> list[Message]:
    text = _optional(source, "system")
    return [_said("system", text)] if text.strip() else []


def _history(source: Source) -> list[Message]:
    pairs = source.get("history") or []
    if not all(isinstance(pair, Sequence) and len(pair) == 2 for pair in pairs):
        raise CannotImport("history is not a list of pairs")
    return [_said(role, text) for pair in pairs for role, text in zip(("user", "assistant"), pair, strict=True)]


def _said(role: str, text: str) -> Message:
    return {"role": role, "content": text}


def _optional(source: Source, key: str) -> str:
    value = source.get(key) or ""
    if not isinstance(value, str):
        raise CannotImport(f"{key} is not a text")
    return value
