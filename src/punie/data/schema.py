"""What a row must be, so that mlx-lm can learn from it: one small rule per fact, each with a place and a remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ROLES = ("system", "user", "assistant", "tool")
SHAPE_KEYS = {"completion": ("prompt", "completion"), "chat": ("messages", "tools"), "text": ("text",)}

Path = tuple[str | int, ...]
"""Keys and indices from the row to a value."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that a value breaks. `missing` tells apart an absent value from null."""

    rule: str
    path: Path
    message: str
    fix: str
    value: Any = None
    missing: bool = False

    @property
    def place(self) -> Path:
        """The path of something that is there: what is missing is looked for in its object."""
        return self.path[:-1] if self.missing else self.path


def row_shape(row: Mapping[str, Any]) -> str:
    """ "completion", "chat", "text" or "unknown": by the keys mlx-lm looks for, in its order."""
    if "prompt" in row and "completion" in row:
        return "completion"
    if "messages" in row:
        return "chat"
    return "text" if "text" in row else "unknown"


def row_label(row: Mapping[str, Any], name: str) -> Any:
    """What a row says about itself, for example its category: in a field of its own or in `metadata`."""
    value, metadata = row.get(name), row.get("metadata")
    return metadata.get(name) if value is None and isinstance(metadata, Mapping) else value


def row_problem(row: Mapping[str, Any]) -> str | None:
    """Why this row cannot be taught from, in one sentence, or None."""
    breach = next(row_breaches(row), None)
    return None if breach is None else f"{spell_path(breach.path)}: {breach.message}"


def row_breaches(row: Any) -> Iterator[Breach]:
    """Every rule that a decoded row breaks."""
    if not isinstance(row, dict):
        yield Breach("not-an-object", (), f"is {_kind(row)}, not an object", 'Write {"messages": [...]}.', row)
        return
    match row_shape(row):
        case "completion":
            yield from _text_breaches(row, "prompt")
            yield from _text_breaches(row, "completion")
        case "chat":
            yield from _messages_breaches(row["messages"])
            yield from _tools_breaches(row.get("tools"))
        case "text":
            yield from _text_breaches(row, "text")
        case _:
            message = "has neither messages, nor prompt and completion, nor text"
            fix = "Give the fields names that mlx-lm reads."
            yield Breach("unknown-shape", (), message, fix, list(row))


def spell_path(path: Path) -> str:
    """`$.messages[2].content`."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def _text_breaches(row: Mapping[str, Any], key: str) -> Iterator[Breach]:
    value = row[key]
    if not isinstance(value, str):
        yield Breach("wrong-text", (key,), f"is {_kind(value)}, not text", f"Make {key} a text.", value)
    elif not value.strip():
        yield Breach("empty-text", (key,), "has no text", "Remove the row.", value)


def _tools_breaches(tools: Any) -> Iterator[Breach]:
    fix = 'Write a list of {"type": "function", "function": {...}}.'
    if tools is not None and not isinstance(tools, list):
        yield Breach("wrong-tools", ("tools",), f"is {_kind(tools)}, not a list", fix, tools)
        return
    for index, tool in enumerate(tools or []):
        if not isinstance(tool, dict):
            yield Breach("wrong-tools", ("tools", index), f"is {_kind(tool)}, not an object", fix, tool)


def _messages_breaches(messages: Any) -> Iterator[Breach]:
    path: Path = ("messages",)
    if not isinstance(messages, list):
        yield Breach(
            "wrong-messages", path, f"is {_kind(messages)}, not a list", "Make messages a list of objects.", messages
        )
        return
    if not messages:
        yield Breach("empty-messages", path, "is an empty list", "Remove the row.", messages)
        return
    for index, message in enumerate(messages):
        yield from _message_breaches((*path, index), message)
    if len(messages) == 1:
        yield Breach("one-message", path, "has one message of at least two", "Give a question and an answer.", messages)
    last = messages[-1]
    if isinstance(last, dict) and last.get("role") in ROLES and last["role"] != "assistant":
        message = f"is the last message and the {last['role']}'s: there is no answer to learn"
        yield Breach("no-answer", (*path, len(messages) - 1, "role"), message, "End with the answer.", last["role"])


def _message_breaches(path: Path, message: Any) -> Iterator[Breach]:
    if not isinstance(message, dict):
        fix = 'Write {"role": ..., "content": ...}.'
        yield Breach("wrong-message", path, f"is {_kind(message)}, not an object", fix, message)
        return
    yield from _role_breaches(path, message)
    yield from _content_breaches(path, message)
    yield from _calls_breaches(path, message.get("tool_calls"))


def _role_breaches(path: Path, message: Mapping[str, Any]) -> Iterator[Breach]:
    place, known = (*path, "role"), ", ".join(ROLES)
    if "role" not in message:
        yield Breach("missing-role", place, "has no role", f"Add a role: one of {known}.", missing=True)
    elif message["role"] not in ROLES:
        fix = {"human": 'Write "user".', "gpt": 'Write "assistant".'}.get(str(message["role"]), f"Use one of {known}.")
        yield Breach("unknown-role", place, f"is none of {known}", fix, message["role"])


def _content_breaches(path: Path, message: Mapping[str, Any]) -> Iterator[Breach]:
    place, content, calls = (*path, "content"), message.get("content"), message.get("tool_calls")
    if isinstance(content, str):
        if not content and not calls and message.get("role") != "tool":
            yield Breach("empty-content", place, "is empty, and there is no tool call", "Remove the row.", content)
    elif isinstance(content, list):
        yield Breach("list-content", place, "is a list of parts, not text", "Join the text parts into one.", content)
    elif content is not None:
        yield Breach("wrong-content", place, f"is {_kind(content)}, not text", "Make it a text.", content)
    elif not calls:
        rule, what = ("null-content", "is null") if "content" in message else ("missing-content", "is missing")
        fix = "Write the text, or remove the row."
        yield Breach(rule, place, f"{what}, and there is no tool call", fix, missing="content" not in message)


def _calls_breaches(path: Path, calls: Any) -> Iterator[Breach]:
    place = (*path, "tool_calls")
    fix = 'Write a list of {"type": "function", "function": {"name": ..., "arguments": {...}}}.'
    if calls is not None and not isinstance(calls, list):
        yield Breach("wrong-tool-calls", place, f"is {_kind(calls)}, not a list", fix, calls)
        return
    for index, call in enumerate(calls or []):
        if (why := _call_problem(call)) is not None:
            yield Breach("wrong-tool-call", (*place, index), why, fix, call)


def _call_problem(call: Any) -> str | None:
    """Calls are `{"function": {"name": ..., "arguments": ...}}` or, in some datasets, the inner object alone."""
    function = (call.get("function") or call) if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        return "names no function"
    arguments = function.get("arguments")
    return None if arguments is None or isinstance(arguments, dict | str) else f"has {_kind(arguments)} for arguments"


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case dict():
            return "an object"
        case list():
            return "a list"
        case str():
            return "text"
        case _:
            return "a number"
