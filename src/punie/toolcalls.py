"""Text to tool calls and back, per model family: the only parser.

json     <tool_call>{"name": NAME, "arguments": {...}}</tool_call>                Qwen, Hermes, the embedded model
xml      <tool_call><function=NAME><parameter=X>...</parameter></function></tool_call>                Qwen3-Coder
mistral  [TOOL_CALLS] [{"name": NAME, "arguments": {...}}]   Mistral; NAME[ARGS]{...} and NAME[CALL_ID]ID[ARGS]{...} too
llama    {"name": NAME, "parameters": {...}}; {...}                     Llama 3; <|python_tag|> where prose precedes
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from punie.conversation import ToolCall
from punie.errors import DataError

Family = Literal["json", "xml", "mistral", "llama"]
FAMILIES: tuple[Family, ...] = get_args(Family)

Tools = Sequence[Mapping[str, Any]]
"""Declarations as a row carries them. Only xml needs them: it does not write which values are text."""

_PYTHON_TAG = "<|python_tag|>"
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
_MARKS = ("<tool_call>", "<function=", "[TOOL_CALLS]", _PYTHON_TAG)
_ANY_OPENING = re.compile(
    f"(?P<xml>{_XML_OPEN})|(?P<json>{_JSON_OPEN})|(?P<mistral>{_MISTRAL_OPEN})|(?P<llama>{_LLAMA_OPEN})"
)


@dataclass(frozen=True, slots=True)
class ParsedCalls:
    """The calls found, in order, and the text of every block that is not a call."""

    calls: tuple[ToolCall, ...]
    malformed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """`text[start:end]` is meant as calls. It has none where `body`, what stands between its marks, is malformed."""

    start: int
    end: int
    body: str
    calls: tuple[ToolCall, ...]


def parse_calls(text: str, family: Family = "json", tools: Tools = ()) -> ParsedCalls:
    """Read every tool-call block of a completion's raw text; prose around the blocks is ignored."""
    blocks = list(find_blocks(text, family, tools))
    malformed = tuple(block.body.strip() for block in blocks if not block.calls)
    return ParsedCalls(tuple(call for block in blocks for call in block.calls), malformed)


def find_blocks(text: str, family: Family, tools: Tools = ()) -> Iterator[Block]:
    """Every block of a family, in order."""
    opening, read = _READERS[family]
    position = 0
    while (mark := opening.search(text, position)) is not None:
        block = read(text, mark, tools)
        yield block
        position = block.end


def family_of(text: str) -> Family | None:
    """The family whose mark comes first, or None where no call is meant."""
    if not any(mark in text for mark in _MARKS) and not text.lstrip().startswith("{"):
        return None  # Most texts: a literal is found many times faster than the expression.
    mark = _ANY_OPENING.search(text)
    return next((family for family in FAMILIES if mark[family] is not None), None) if mark else None


def render_call(call: ToolCall, family: Family = "json") -> str:
    """The text a model writes for one call."""
    return render_calls((call,), family)


def render_calls(calls: Sequence[ToolCall], family: Family = "json") -> str:
    """The text a model writes for several calls at once."""
    match family:
        case "json":
            return "\n".join(f"<tool_call>\n{_object(call, 'arguments')}\n</tool_call>" for call in calls)
        case "xml":
            return "\n".join(map(_element, calls))
        case "mistral":
            return f"[TOOL_CALLS] [{', '.join(_object(call, 'arguments') for call in calls)}]"
        case "llama":
            return "; ".join(_object(call, "parameters") for call in calls)


def rewrite_calls(text: str, family: Family, tools: Tools = ()) -> str:
    """The same text with its calls as another family writes them; text without calls comes back as it is.

    Raises DataError where a block is malformed, or where reading the new text would not give the same calls.
    """
    source = family_of(text)
    if source is None or source == family:
        return text
    blocks = list(find_blocks(text, source, tools))
    if broken := [block.body.strip() for block in blocks if not block.calls]:
        raise DataError(f"This is meant as a tool call, but is none: {broken[0][:200]!r}.")
    written = _replace(text, blocks, family)
    before = [call for block in blocks for call in block.calls]
    after = parse_calls(written, family, tools)
    if after.malformed or not same_calls(before, after.calls):
        raise DataError(f"The {family} format cannot say the same as {text[blocks[0].start : blocks[-1].end][:200]!r}.")
    return written


def same_calls(left: Sequence[ToolCall], right: Sequence[ToolCall]) -> bool:
    """Equal in names, arguments and their order, where 1, 1.0 and true are three things."""
    return [_object(call, "") for call in left] == [_object(call, "") for call in right]


def _replace(text: str, blocks: Sequence[Block], family: Family) -> str:
    """Blocks with nothing but white space between them are one run of calls, written together."""
    runs: list[tuple[int, int, list[ToolCall]]] = []
    for block in blocks:
        if runs and not text[runs[-1][1] : block.start].strip():
            start, _, calls = runs.pop()
            runs.append((start, block.end, [*calls, *block.calls]))
        else:
            runs.append((block.start, block.end, list(block.calls)))
    pieces, position = list[str](), 0
    for start, end, calls in runs:
        tag = _PYTHON_TAG if family == "llama" and text[:start].strip() else ""
        pieces += [text[position:start], tag, render_calls(calls, family)]
        position = end
    return "".join([*pieces, text[position:]])


def _object(call: ToolCall, key: str) -> str:
    return json.dumps({"name": call.name, key: dict(call.arguments)}, ensure_ascii=False)


def _element(call: ToolCall) -> str:
    lines = [f"<parameter={name}>\n{_written(value)}\n</parameter>" for name, value in call.arguments.items()]
    return "\n".join(["<tool_call>", f"<function={call.name}>", *lines, "</function>", "</tool_call>"])


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read_json(text: str, mark: re.Match[str], tools: Tools) -> Block:
    value, end = _decode(text, mark.end())
    close = _JSON_CLOSE.match(text, end) if value is not None else None
    calls = _named([value], "arguments") if close else ()
    return _block(text, mark, close or _found(_JSON_END, text, mark.end()), calls)


def _read_xml(text: str, mark: re.Match[str], tools: Tools) -> Block:
    name = _XML_NAME.match(text, mark.end())
    arguments, position = dict[str, Any](), name.end() if name else mark.end()
    while name and (parameter := _XML_PARAMETER.match(text, position)) is not None:
        arguments[parameter[1]] = _typed(parameter[2], _declaration(tools, name[1], parameter[1]))
        position = parameter.end()
    if name and (close := _XML_CLOSE.match(text, position)) is not None:
        return _block(text, mark, close, (ToolCall(name[1], arguments),))
    return _block(text, mark, _found(_XML_END, text, mark.end()), ())


def _read_mistral(text: str, mark: re.Match[str], tools: Tools) -> Block:
    header = _MISTRAL_HEADER.match(text, mark.end())
    value, end = _decode(text, header.end() if header else mark.end())
    values = [{"name": header[1], "arguments": value}] if header else value if isinstance(value, list) else ()
    if calls := _named(values, "arguments"):
        return Block(mark.start(), end, text[mark.end() : end], calls)
    return _block(text, mark, _found(_MISTRAL_END, text, mark.end()), ())


def _read_llama(text: str, mark: re.Match[str], tools: Tools) -> Block:
    values, position = list[Any](), mark.end()
    while True:
        value, position = _decode(text, position)
        values.append(value)
        if value is None or (separator := _LLAMA_SEPARATOR.match(text, position)) is None:
            break
        position = separator.end()
    calls = _named(values, "parameters") if not text[position:].strip() else ()
    return Block(mark.start(), len(text), text[mark.end() :], calls)


def _block(text: str, mark: re.Match[str], close: re.Match[str], calls: tuple[ToolCall, ...]) -> Block:
    return Block(mark.start(), close.end(), text[mark.end() : close.start()], calls)


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
    "llama": (re.compile(_LLAMA_OPEN), _read_llama),
}
