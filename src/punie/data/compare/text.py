"""What a row says, whatever its shape: for those who compare rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import xxhash

from punie.data.check.diagnosis import refused
from punie.data.compare.words import normalise
from punie.data.source import Source, read_lines

_REFUSALS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


Turn = tuple[str, str]
"""Role and text. A row that is one text has the role "text"."""


class _Message(msgspec.Struct, gc=False):
    role: str = ""
    content: str | list[Any] | None = None
    tool_calls: list[Any] | None = None

    @property
    def words(self) -> str:
        """The text, that of parts included, and the calls as JSON."""
        content = self.content or ""
        if isinstance(content, list):
            content = "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
        return f"{content}\n{msgspec.json.encode(self.tool_calls).decode()}" if self.tool_calls else content


class Text(msgspec.Struct, gc=False):
    """The texts of a row of any shape, and its labels. Other keys are passed over."""

    messages: list[_Message] | None = None
    tools: Any = None
    prompt: str | None = None
    completion: str | None = None
    text: str | None = None
    metadata: Any = None
    source: Any = None
    source_id: Any = None
    category: Any = None
    difficulty: Any = None

    def turns(self) -> list[Turn]:
        """All turns, in order."""
        if self.prompt is not None and self.completion is not None:
            return [("user", self.prompt), ("assistant", self.completion)]
        if self.messages is not None:
            return [(turn.role, turn.words) for turn in self.messages]
        return [("text", self.text or "")]

    def dialogue(self) -> str:
        """All turns but the system's: declarations and instructions that many rows share make no two rows alike."""
        return "\n".join(words for role, words in self.turns() if role != "system")

    def answer(self) -> str:
        """What is learned: the assistant's turns, or the one text."""
        return "\n".join(words for role, words in self.turns() if role in {"assistant", "text"})

    def key(self) -> bytes:
        """16 bytes, equal where all turns and tools are equal but for case, white space and forms of a character."""
        words = " ".join(normalise("\0".join(part for turn in self.turns() for part in turn)).split())
        tools = msgspec.json.encode(self.tools, order="sorted") if self.tools else b""
        return xxhash.xxh3_128_digest(words.encode("utf-8", "surrogatepass") + tools)

    def label(self, name: str) -> str | None:
        """What the row says of itself, in a field of its own or in `metadata`."""
        value = getattr(self, name)
        if value is None and isinstance(self.metadata, dict):
            value = self.metadata.get(name)
        return None if value is None else str(value)


class TextRow(msgspec.Struct, frozen=True, gc=False):
    """A row of a source: its place, its bytes and its text. `offset` is in bytes from the file's beginning."""

    split: str
    path: Path
    line: int
    offset: int
    raw: bytes
    text: Text

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}"


def read_raw(source: Source, order: Sequence[str]) -> Iterator[tuple[str, Path, int, bytes]]:
    """(split, file, line, bytes) of every row, in the order that `read_texts` has."""
    for split in order:
        if (path := source.splits.get(split)) is not None:
            yield from ((split, path, line, raw) for line, raw in read_lines(path))


def read_texts(source: Source, order: Sequence[str]) -> Iterator[TextRow]:
    """Rows split by split, in the order asked for. Raises DataError at a line that is no row."""
    for split in order:
        if (path := source.splits.get(split)) is not None:
            yield from _read_split(split, path)


def decode_text(raw: bytes, where: str) -> Text:
    """Raises DataError, with `where`, for anything but a JSON object whose texts are texts."""
    try:
        return _text(raw)
    except _REFUSALS as error:
        raise refused(raw, where) from error


def _read_split(split: str, path: Path) -> Iterator[TextRow]:
    offset = 0
    for number, raw in read_lines(path):
        try:
            text = _text(raw)
        except _REFUSALS as error:
            raise refused(raw, f"{path}:{number}") from error
        yield TextRow(split, path, number, offset, raw, text)
        offset += len(raw) + 1


def _text(raw: bytes) -> Text:
    text = _decode(raw)
    if not raw.isascii():
        raw.decode()  # The decoder has passed over the fields it does not know.
    return text


_decode = msgspec.json.Decoder(Text).decode
