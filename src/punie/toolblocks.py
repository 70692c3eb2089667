"""Blocks of tool calls in a text: where one begins, where it ends, and which calls it holds.

json     <tool_call>{"name": NAME, "arguments": {...}}</tool_call>, or a list of such objects
xml      <tool_call><function=NAME><parameter=X>...</parameter></function></tool_call>
mistral  [TOOL_CALLS] [{"name": NAME, "arguments": {...}}], NAME[ARGS]{...} and NAME[CALL_ID]ID[ARGS]{...}
llama    {"name": NAME, "parameters": {...}}; {...} as the whole text, or behind <|python_tag|>
pythonic [NAME(X=1), NAME()] as the whole text, behind <|python_tag|>, or between <|tool_call_start|> and its end
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from punie.conversation import ToolCall
from punie.pythoncalls import NoCalls, read_python_calls

Family = Literal["json", "xml", "mistral", "pythonic", "llama"]
FAMILIES: tuple[Family, ...] = get_args(Family)
Fault = Literal["", "unparseable", "wrong shape"]
"""Unparseable: neither JSON, nor Python, nor elements. Wrong shape: no call with a name and arguments by name."""

Tools = Sequence[Mapping[str, Any]]
"""Declarations as a row carries them. Only xml needs them: it does not write which values are text."""

PYTHON_TAG = "<|python_tag|>"
_TEXT_TYPES = frozenset({"string", "str", "text", "varchar", "char", "enum"})
_PYTHON_WORDS = {"True": True, "False": False, "None": None}


_DECODER = json.JSONDecoder()
_BLANK = re.compile(r"\s*")
_JSON_OPEN = r"<tool_call>"
_JSON_CLOSE, _JSON_END = re.compile(r"\s*(?:</tool_call>|\Z)"), re.compile(r"</tool_call>|\Z")
_XML_OPEN = r"(?:<tool_call>\s*)?<function="
_XML_NAME = re.compile(r"([^\s<>]+)>")
_XML_PARAMETER = re.compile(r"\s*<parameter=([^\s<>]+)>\n?(.*?)\n?</parameter>", re.DOTALL)
_XML_CLOSE = re.compile(r"\s*</function>(?:\s*</tool_call>)?")
_XML_END = re.compile(r"</tool_call>|</function>(?:\s*</tool_call>)?|\Z")
_MISTRAL_OPEN = r"\[TOOL_CALLS\]\s*"
_MISTRAL_HEADER, _MISTRAL_END = (
    re.compile(r"([\w.-]+)\s*(?:\[CALL_ID\]\s*[\w-]+\s*)?\[ARGS\]"),
    re.compile(r"(?=\[TOOL_CALLS\])|\Z"),
)
_LLAMA_OPEN = r'<\|python_tag\|>|\A\s*(?=\{\s*"name"\s*:\s*"[^"]*"\s*,\s*"parameters"\s*:)'
_LLAMA_SEPARATOR = re.compile(r"\s*;\s*")
_PYTHON_OPEN = (
    r"<\|tool_call_start\|>|<\|python_tag\|>\s*(?=\[?\s*[A-Za-z_][\w.]*\()"
    r"|\A\s*(?=\[\s*[A-Za-z_][\w.]*\(.*\)\s*\]\s*(?:<\|\w+\|>\s*)?\Z)"
)
_PYTHON_END = re.compile(r"<\|tool_call_end\|>|\s*(?:<\|\w+\|>\s*)?\Z")
_END_OF_TURN = re.compile(r"\s*(?:<\|\w+\|>\s*)?\Z")
MARKS = ("<tool_call>", "<function=", "[TOOL_CALLS]", PYTHON_TAG, "<|tool_call_start|>")
OPENING = re.compile(
    f"(?P<xml>{_XML_OPEN})|(?P<json>{_JSON_OPEN})|(?P<mistral>{_MISTRAL_OPEN})|(?P<pythonic>{_PYTHON_OPEN})"
    f"|(?P<llama>{_LLAMA_OPEN})",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """`text[start:end]` is meant as calls. It has none where `body`, what stands between its marks, has a fault."""

    start: int
    end: int
    body: str
    calls: tuple[ToolCall, ...]
    fault: Fault = ""


def next_block(text: str, family: Family, position: int, tools: Tools) -> Block | None:
    opening, read = _READERS[family]
    mark = opening.search(text, position)
    return read(text, mark, tools) if mark else None


def _read_json(text: str, mark: re.Match[str], tools: Tools) -> Block:
    value, end = _decode(text, mark.end())
    close = _JSON_CLOSE.match(text, end) if value is not None else None
    if close is None:
        return _block(text, mark, _found(_JSON_END, text, mark.end()), (), "unparseable")
    calls = _named(value if isinstance(value, list) else [value], "arguments")
    return _block(text, mark, close, calls, "" if calls else "wrong shape")


def _read_xml(text: str, mark: re.Match[str], tools: Tools) -> Block:
    name = _XML_NAME.match(text, mark.end())
    arguments, position = dict[str, Any](), name.end() if name else mark.end()
    while name and (parameter := _XML_PARAMETER.match(text, position)) is not None:
        arguments[parameter[1]] = _typed(parameter[2], _declaration(tools, name[1], parameter[1]))
        position = parameter.end()
    if name and (close := _XML_CLOSE.match(text, position)) is not None:
        return _block(text, mark, close, (ToolCall(name[1], arguments),))
    return _block(text, mark, _found(_XML_END, text, mark.end()), (), "unparseable")


def _read_mistral(text: str, mark: re.Match[str], tools: Tools) -> Block:
    header = _MISTRAL_HEADER.match(text, mark.end())
    value, end = _decode(text, header.end() if header else mark.end())
    values = [{"name": header[1], "arguments": value}] if header else value if isinstance(value, list) else ()
    if calls := _named(values, "arguments"):
        return Block(mark.start(), end, text[mark.end() : end], calls)
    fault: Fault = "unparseable" if value is None else "wrong shape"
    return _block(text, mark, _found(_MISTRAL_END, text, mark.end()), (), fault)


def _read_llama(text: str, mark: re.Match[str], tools: Tools) -> Block:
    values, position = list[Any](), mark.end()
    while True:
        value, position = _decode(text, position)
        values.append(value)
        if value is None or (separator := _LLAMA_SEPARATOR.match(text, position)) is None:
            break
        position = separator.end()
    parsed = None not in values and _END_OF_TURN.match(text, position) is not None
    calls = _named(values, "parameters") if parsed else ()
    fault: Fault = "" if calls else "wrong shape" if parsed else "unparseable"
    return Block(mark.start(), len(text), text[mark.end() :], calls, fault)


def _read_pythonic(text: str, mark: re.Match[str], tools: Tools) -> Block:
    close = _found(_PYTHON_END, text, mark.end())
    try:
        return _block(text, mark, close, read_python_calls(text[mark.end() : close.start()]))
    except NoCalls as error:
        return _block(text, mark, close, (), "wrong shape" if error.parses else "unparseable")


def _block(
    text: str, mark: re.Match[str], close: re.Match[str], calls: tuple[ToolCall, ...], fault: Fault = ""
) -> Block:
    return Block(mark.start(), close.end(), text[mark.end() : close.start()], calls, fault)


def _named(values: Sequence[Any], key: str) -> tuple[ToolCall, ...]:
    """All of them as calls, or none when one of them has no name or no arguments by name."""
    calls = list[ToolCall]()
    for value in map(_mapping, values):
        name, arguments = value.get("name"), value.get(key)
        if not isinstance(name, str) or not isinstance(arguments, Mapping):
            return ()
        calls.append(ToolCall(name, arguments))
    return tuple(calls)


def _decode(text: str, start: int) -> tuple[Any, int]:
    """One JSON value and where it ends; None where there is none (a lone null is no call either)."""
    begin = _found(_BLANK, text, start).end()
    try:
        return _DECODER.raw_decode(text, begin)
    except (ValueError, RecursionError):
        return None, start


def _typed(text: str, declared: Mapping[str, Any]) -> Any:
    """What a parameter's text means: itself where text is declared, else the JSON it is, else itself."""
    kind = declared.get("type")
    if _TEXT_TYPES & set(kind if isinstance(kind, list) else [str(kind)]):
        return text
    if text in _PYTHON_WORDS:
        return _PYTHON_WORDS[text]
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _declaration(tools: Tools, name: str, parameter: str) -> Mapping[str, Any]:
    for tool in tools:
        function = _mapping(_mapping(tool).get("function", tool))
        if function.get("name") == name:
            return _mapping(_mapping(_mapping(function.get("parameters")).get("properties")).get(parameter))
    return {}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _found(pattern: re.Pattern[str], text: str, start: int) -> re.Match[str]:
    """A match of a pattern that matches somewhere in every text."""
    found = pattern.search(text, start)
    assert found is not None
    return found


_READERS: dict[Family, tuple[re.Pattern[str], Callable[[str, re.Match[str], Tools], Block]]] = {
    "json": (re.compile(_JSON_OPEN), _read_json),
    # A mark that no function follows is a call that went wrong.
    "xml": (re.compile(rf"{_XML_OPEN}|{_JSON_OPEN}"), _read_xml),
    "mistral": (re.compile(_MISTRAL_OPEN), _read_mistral),
    "pythonic": (re.compile(_PYTHON_OPEN, re.DOTALL), _read_pythonic),
    "llama": (re.compile(_LLAMA_OPEN), _read_llama),
}
