"""The rendering child: `python -m punie.child punie.data.check.rendering_worker TASK RESULTS`.

Every row goes through mlx-lm's own dataset classes, so that tokens, and the prompt that is masked, are the trainer's.
Rows that no trainer could read are passed over: they were reported before.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
from jinja2 import TemplateError
from mlx_lm.tuner.datasets import create_dataset
from mlx_lm.utils import load_config, load_tokenizer

from punie.conversation import ToolCall
from punie.data.blocks import LongLine, read_blocks
from punie.data.check.diagnosis import shorten
from punie.data.check.keys import read_distinct
from punie.data.check.rendering import Found, Reached, Refused, Rendering, Task
from punie.data.rows import Row, RowError, row_decoder
from punie.data.schema import row_shape
from punie.toolcalls import family_of, parse_calls, same_calls

_MARKS = re.compile(
    r"<\|[^|<>\s]+\|>|</?(?:tool_call|think|start_of_turn|end_of_turn)>|\[/?(?:INST|TOOL_CALLS|AVAILABLE_TOOLS)\]"
)
_TEMPLATE_ERRORS = (TemplateError, KeyError, TypeError, ValueError, AttributeError, IndexError)
_NO_TEMPLATE = "Use an instruction-tuned model, or rows of the shape text."


@dataclass(frozen=True, slots=True)
class Place:
    """A row's file, line and first byte."""

    file: str
    line: int
    byte: int


@dataclass(slots=True)
class Sum:
    """What the rows came to so far."""

    rows: int = 0
    failed: int = 0
    tokens: int = 0
    longest: int = 0
    truncated: int = 0
    tokens_lost: int = 0
    last_tokens: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Renderer:
    """Renders rows of one model; `tell` writes a line for the parent."""

    tokenizer: Any
    max_seq_length: int
    tell: Callable[[Any], None]
    sum: Sum = field(default_factory=Sum)

    def take(self, place: Place, row: Row, value: dict[str, Any]) -> None:
        problems = list(self._problems(row, value))
        self.sum.rows += 1
        self.sum.failed += bool(problems)
        for path, rule, shown, message, fix in problems:
            self.tell(Found(place.file, place.line, place.byte, path, rule, shorten(shown), message, fix))

    def _problems(self, row: Row, value: dict[str, Any]) -> Iterator[tuple[str, str, Any, str, str]]:
        try:
            tokens, offset = self._process(row, value)
        except _TEMPLATE_ERRORS as error:
            fix = "Check roles, their order, and the form of tool calls that this model's template wants."
            yield "$", "template-error", "", f"is refused by the chat template: {_first_line(error)}", fix
            return
        self._add(tokens, row)
        yield from self._length_problems(len(tokens), offset)
        if row.messages is not None and row.shape == "chat":
            for index, message in enumerate(row.messages):
                if message.tool_calls:
                    yield from self._call_problems(value, index)

    def _process(self, row: Row, value: dict[str, Any]) -> tuple[Sequence[int], int]:
        """Token ids, and how many of them mlx-lm's `mask_prompt` hides."""
        dataset = create_dataset([value], self.tokenizer, SimpleNamespace(mask_prompt=row.shape != "text"))
        return dataset.process(dataset[0])

    def _add(self, tokens: Sequence[int], row: Row) -> None:
        lost = max(0, len(tokens) - self.max_seq_length)
        self.sum.tokens += len(tokens)
        self.sum.longest = max(self.sum.longest, len(tokens))
        self.sum.truncated += lost > 0
        self.sum.tokens_lost += lost
        if row.shape != "text" and (last := self._last_mark(tokens)) is not None:
            self.sum.last_tokens[last] = self.sum.last_tokens.get(last, 0) + 1

    def _last_mark(self, tokens: Sequence[int]) -> int | None:
        return next((token for token in reversed(tokens[-4:]) if self.tokenizer.decode([token]).strip()), None)

    def _length_problems(self, length: int, offset: int) -> Iterator[tuple[str, str, Any, str, str]]:
        limit = self.max_seq_length
        if min(length, limit) - max(offset, 1) < 1:
            message = f"leaves nothing to learn: the answer begins at token {offset} of {length}, the cut is at {limit}"
            yield "$", "nothing-to-learn", offset, message, "Shorten the prompt, or raise --max-seq-length."
        elif length > limit:
            message = f"loses {length - limit} of its {length} tokens at --max-seq-length {limit}"
            yield "$", "truncated", length, message, f"Raise --max-seq-length to {length}, or shorten the row."

    def _call_problems(self, value: dict[str, Any], index: int) -> Iterator[tuple[str, str, Any, str, str]]:
        """Do the calls of one message come back when what was rendered is read as a model's answer?"""
        path, fix = f"$.messages[{index}].tool_calls", "Write calls in the form this model's template wants."
        calls = [_call_of(call) for call in value["messages"][index]["tool_calls"]]
        if (bad := next((call for call in calls if not isinstance(call, ToolCall)), None)) is not None:
            yield path, "call-arguments", bad, "has arguments that are no JSON object", "Write arguments as an object."
            return
        try:
            text = self._answer(value, index)
        except _TEMPLATE_ERRORS as error:
            yield path, "template-error", "", f"is refused by the chat template: {_first_line(error)}", fix
            return
        tools = value.get("tools") or ()
        read = parse_calls(text, family_of(text) or "json", tools)
        if read.malformed or not same_calls([call for call in calls if isinstance(call, ToolCall)], read.calls):
            message = f"has {len(calls)} calls of which rendering and reading back give {len(read.calls)} or others"
            yield path, "lost-calls", text, message, fix

    def _answer(self, value: dict[str, Any], index: int) -> str:
        """What a model that wrote this would be heard to say: what the template puts there, up to a stop."""
        tools, messages = value.get("tools"), value["messages"]
        render = self.tokenizer.apply_chat_template
        before = render(messages[:index], tools=tools, add_generation_prompt=True, return_dict=False)
        after = render(messages[: index + 1], tools=tools, return_dict=False)
        stops = self.tokenizer.eos_token_ids
        return self.tokenizer.decode(list(takewhile(lambda token: token not in stops, after[len(before) :])))

    def result(self) -> Rendering:
        ends, total = self.sum.last_tokens, self.sum
        return Rendering(
            rows=total.rows,
            failed=total.failed,
            tokens=total.tokens,
            longest=total.longest,
            truncated=total.truncated,
            tokens_lost=total.tokens_lost,
            end_of_turn=self.tokenizer.decode([max(ends, key=ends.__getitem__)]) if ends else "",
            stops=[self.tokenizer.decode([token]) for token in sorted(self.tokenizer.eos_token_ids)],
            split_marks=self._split_marks(),
        )

    def _split_marks(self) -> dict[str, int]:
        template = self.tokenizer.chat_template
        marks = sorted(set(_MARKS.findall(template))) if isinstance(template, str) else []
        pieces = {mark: len(self.tokenizer.encode(mark, add_special_tokens=False)) for mark in marks}
        return {mark: count for mark, count in pieces.items() if count > 1}


def main() -> None:
    task = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Task)
    with Path(sys.argv[2]).open("ab", buffering=0) as out:

        def tell(line: Any) -> None:
            out.write(msgspec.json.encode(line) + b"\n")

        tell(_work(task, tell))


def _work(task: Task, tell: Callable[[Any], None]) -> Rendering | Refused:
    try:
        model = Path(task.model)
        tokenizer = load_tokenizer(model, eos_token_ids=load_config(model).get("eos_token_id"))
    except (ValueError, OSError, KeyError, TypeError, ImportError) as error:
        return Refused(f"mlx-lm cannot load this model's tokenizer: {_first_line(error)}.", "Choose another model.")
    renderer, done = Renderer(tokenizer, task.max_seq_length, tell), 0
    for file in task.files:
        for item in _sound_rows(file):
            if isinstance(item, Reached):
                tell(Reached(done := done + item.done))
                continue
            if item[1].shape != "text" and not tokenizer.has_chat_template:
                return Refused("The model has no chat template, so it cannot read chats.", _NO_TEMPLATE)
            renderer.take(*item)
    return renderer.result()


def _sound_rows(file: str) -> Iterator[tuple[Place, Row, dict[str, Any]] | Reached]:
    """The rows nothing was said about yet: those that can be read and have the shape of the file's first."""
    decode, shape = row_decoder(), None
    for block in read_blocks(Path(file)):
        if isinstance(block, LongLine):
            yield Reached(block.size)
            continue
        byte = block.byte
        for number, line in enumerate(block.lines, start=block.line):
            with suppress(RowError, ValueError):
                row, value = decode(line), read_distinct(line.decode())
                shape = shape or row.shape
                if row.shape == row_shape(value) == shape:
                    yield Place(file, number, byte), row, value
            byte += len(line) + 1
        yield Reached(len(block.data))


def _call_of(call: dict[str, Any]) -> ToolCall | Any:
    """The call, or its arguments where they are no object."""
    inner = call.get("function") or call
    arguments = inner.get("arguments") or {}
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            return arguments
    return ToolCall(inner["name"], arguments) if isinstance(arguments, dict) else arguments


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


if __name__ == "__main__":
    main()
