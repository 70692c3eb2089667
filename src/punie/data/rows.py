"""Rows as typed values, decoded straight from a line's bytes: the fast path. What it refuses, `diagnosis` explains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

import msgspec

from punie.data.check.diagnosis import Fault, diagnose
from punie.data.schema import SHAPE_KEYS, row_shape

REFUSALS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What the typed decoder raises at a row that needs a closer look."""


class Function(msgspec.Struct, gc=False):
    """The inner object of a tool call. Some datasets keep arguments as JSON text."""

    name: str
    arguments: dict[str, Any] | str | None = None


class ToolCall(msgspec.Struct, gc=False):
    """`{"function": {"name": ..., "arguments": ...}}` or, in some datasets, the inner object alone."""

    function: Function | None = None
    name: str | None = None
    arguments: dict[str, Any] | str | None = None
    id: Any = None
    type: Any = None

    @property
    def called(self) -> Function:
        """The inner object, wherever it stands."""
        return self.function or Function(self.name or "", self.arguments)


class Message(msgspec.Struct, gc=False):
    """One turn. A sound one has content, or calls, or is what a tool returned."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None
    tool_calls: list[ToolCall] | None = None
    name: Any = None
    tool_call_id: Any = None


class Row(msgspec.Struct, gc=False):
    """All shapes in one; what a row does not have is None. Other keys are passed over."""

    messages: list[Message] | None = None
    tools: list[dict[str, Any]] | None = None
    prompt: str | None = None
    completion: str | None = None
    text: str | None = None

    @property
    def shape(self) -> str:
        """ "completion", "chat" or "text", in the order in which mlx-lm looks for the keys."""
        if self.prompt is not None and self.completion is not None:
            return "completion"
        return "text" if self.messages is None else "chat"


def row_type(extras: Sequence[str]) -> type[Row]:
    """Rows that also hold the values of these keys, or UNSET, in attributes `extra_0`, `extra_1` and so on."""
    names = {f"extra_{index}": key for index, key in enumerate(extras)}
    fields = [(name, Any, msgspec.UNSET) for name in names]
    return cast(type[Row], msgspec.defstruct("Row", fields, bases=(Row,), rename=names, gc=False))


class RowError(ValueError):
    """A row that cannot be taught from, with every fault that was found in it."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"{fault.path} {fault.message}" for fault in faults))
        self.faults = faults


def row_decoder() -> Callable[[bytes], Row]:
    """A function from a line's bytes, with or without its end, to its row. Raises RowError at one not fit to teach.

    Two things that `validate` sees are not seen here: a key that stands twice in an object, and null where a text or
    messages of another shape would be.
    """
    decode = msgspec.json.Decoder(Row).decode

    def decode_row(raw: bytes) -> Row:
        try:
            row = decode(raw)
            if is_sound(row) and (raw.isascii() or raw.decode()):
                return row
        except REFUSALS:
            pass
        return _reread(raw)

    return decode_row


def is_sound(row: Row) -> bool:
    """Whether a decoded row can be taught from. False only asks for a closer look."""
    if row.prompt is not None and row.completion is not None:
        return bool(row.prompt.strip() and row.completion.strip())
    if row.messages is not None:
        return is_chat(row.messages)
    return row.text is not None and bool(row.text.strip())


def is_chat(messages: list[Message]) -> bool:
    """Whether there is an answer to learn, and no turn says nothing."""
    for message in messages:
        if calls := message.tool_calls:
            for call in calls:
                if call.function is None and call.name is None:
                    return False
        elif not message.content and (message.content is None or message.role != "tool"):
            return False
    return len(messages) > 1 and messages[-1].role == "assistant"


def _reread(raw: bytes) -> Row:
    """The row as its own shape reads it: a text row may carry messages that are no messages at all."""
    diagnosis = diagnose(raw.removesuffix(b"\n"))
    if diagnosis.faults:
        raise RowError(diagnosis.faults)
    value = diagnosis.value
    used = {key: value[key] for key in SHAPE_KEYS[row_shape(value)] if key in value}
    return msgspec.convert(used, Row)
