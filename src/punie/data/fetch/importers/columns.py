"""Rows of any table: columns named by the user, or recognised by their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from punie.data.fetch.importers.calls import with_tools
from punie.data.fetch.importers.chats import convert_alpaca, convert_openai, convert_sharegpt, messages_of
from punie.data.fetch.importers.row import CannotImport, Convert, Row, Source, imported
from punie.errors import DataError, UsageError
from punie.files import hash_value

_SHAPES = (("messages",), ("prompt", "completion"), ("text",))
_KNOWN: tuple[tuple[tuple[str, ...], Callable[[str], Convert]], ...] = (
    (("messages",), lambda origin: convert_openai),
    (("conversations",), lambda origin: convert_sharegpt),
    (("instruction", "output"), lambda origin: convert_alpaca),
    (("prompt", "completion"), lambda origin: mapped({"prompt": "prompt", "completion": "completion"}, origin)),
    (("instruction", "response"), lambda origin: mapped({"prompt": "instruction", "completion": "response"}, origin)),
    (("prompt", "response"), lambda origin: mapped({"prompt": "prompt", "completion": "response"}, origin)),
    (("question", "solution"), lambda origin: mapped({"prompt": "question", "completion": "solution"}, origin)),
    (("question", "answer"), lambda origin: mapped({"prompt": "question", "completion": "answer"}, origin)),
    (("text",), lambda origin: mapped({"text": "text"}, origin)),
)
_EXTRA = frozenset({"tools", "id", "category"})


def parse_columns(text: str) -> dict[str, str]:
    """`prompt=instruction,completion=output` as a mapping from our field to the source's column.

    Raises UsageError where a part is no pair, or the fields make no shape that mlx-lm knows.
    """
    pairs = [part.partition("=") for part in text.split(",")]
    columns = {ours.strip(): theirs.strip() for ours, _, theirs in pairs}
    hint = "Give for example prompt=instruction,completion=output, or messages=conversations, or text=content."
    if not all(columns) or not all(columns.values()) or len(columns) != len(pairs):
        raise UsageError(f"Not a mapping of columns: {text!r}.", hint=hint)
    if tuple(key for key in columns if key not in _EXTRA) not in {*_SHAPES, ("completion", "prompt")}:
        raise UsageError(f"These columns make no row to learn from: {', '.join(columns)}.", hint=hint)
    return columns


def recognise(columns: Sequence[str], origin: str) -> Convert:
    """The way to read a table with these columns. Raises DataError, which names them, where there is none."""
    for needed, converter in _KNOWN:
        if set(needed) <= set(columns):
            return converter(origin)
    hint = f"The columns are: {', '.join(columns)}. Say which to use, for example --columns prompt=A,completion=B."
    raise DataError(f"What to learn from {origin} cannot be told from its columns.", hint=hint)


def mapped(columns: Mapping[str, str], origin: str, licence: str = "unknown") -> Convert:
    """Each of our fields from one column; the other columns become metadata. A row's own licence goes before."""

    def convert(source: Source) -> Row:
        missing = [theirs for theirs in columns.values() if theirs not in source]
        if missing:
            raise CannotImport(f"no column {', no column '.join(missing)}; there are {', '.join(source)}")
        values = {ours: source[theirs] for ours, theirs in columns.items()}
        body = _body(values)
        return imported(
            body,
            source,
            {*columns.values(), "license", "licence"},
            origin=origin,
            id=str(values.get("id") or source.get("id") or hash_value(body)[:12]),
            category=str(values.get("category") or "unknown"),
            licence=str(source.get("license") or source.get("licence") or licence),
        )

    return convert


def _body(values: Mapping[str, Any]) -> Row:
    if "messages" in values:
        return with_tools(messages_of(values["messages"]), values.get("tools"))
    return {key: values[key] for key in ("prompt", "completion", "text") if key in values}
