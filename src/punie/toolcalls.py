"""Text to tool calls and back, per model family: the only parser. How each family writes them: `punie.toolblocks`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from punie.conversation import ToolCall
from punie.errors import DataError
from punie.pythoncalls import write_python_calls
from punie.toolblocks import FAMILIES, MARKS, OPENING, PYTHON_TAG, Block, Family, Tools, next_block

_CODE = re.compile(r"^[ \t]*(`{3,}|~{3,}).*?(?:^[ \t]*\1|\Z)|(?<!`)`[^`\n]+`(?!`)", re.DOTALL | re.MULTILINE)
"""A fence, up to its end or that of the text, and code within a line."""


@dataclass(frozen=True, slots=True)
class ParsedCalls:
    """The calls found, in order, and every block that is meant as a call and is none."""

    calls: tuple[ToolCall, ...]
    malformed: tuple[Block, ...]


def parse_calls(text: str, family: Family = "json", tools: Tools = ()) -> ParsedCalls:
    """Read every tool-call block of a completion's raw text; prose around the blocks is ignored."""
    return _sorted(find_blocks(text, family, tools))


def spoken_calls(text: str, tools: Tools = ()) -> ParsedCalls:
    """Read the calls of an answer of any family: that of the first mark outside code. What stands in a code fence or
    between backticks is shown, not called; within a call it belongs to the call.
    """
    return _sorted(_spoken_blocks(text, tools))


def find_blocks(text: str, family: Family, tools: Tools = ()) -> Iterator[Block]:
    """Every block of a family, in order."""
    position = 0
    while (block := next_block(text, family, position, tools)) is not None:
        yield block
        position = block.end


def family_of(text: str, position: int = 0) -> Family | None:
    """The family whose mark comes first, or None where no call is meant."""
    if not any(mark in text for mark in MARKS) and not text.lstrip().startswith(("{", "[")):
        return None  # Most texts: a literal is found many times faster than the expression.
    mark = OPENING.search(text, position)
    return next((family for family in FAMILIES if mark[family] is not None), None) if mark else None


def _spoken_blocks(text: str, tools: Tools) -> Iterator[Block]:
    position = 0
    spoken: Family | None = None
    while (family := spoken or family_of(text, position)) is not None:
        block, code = next_block(text, family, position, tools), _CODE.search(text, position)
        if block is None:
            return
        if code is not None and code.start() < block.start:
            position = code.end()
        else:
            yield block
            spoken, position = family, block.end


def _sorted(blocks: Iterator[Block]) -> ParsedCalls:
    read = tuple(blocks)
    calls = tuple(call for block in read for call in block.calls)
    return ParsedCalls(calls, tuple(block for block in read if not block.calls))


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
        case "pythonic":
            return write_python_calls(calls)
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
        tag = PYTHON_TAG if family in ("llama", "pythonic") and text[:start].strip() else ""
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
