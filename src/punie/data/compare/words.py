"""Words of many texts as numbers: split, lower-cased and hashed with numpy, 64 bits for each word.

A token is a word (letters, digits, underscores) or one character of punctuation. Whatever compares texts here, for
duplicates or for contamination, compares runs of these numbers.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]
Positions = NDArray[np.int64]

_BLOCK = 1 << 16
"""Bytes hashed at a time, so that the arrays stay in the processor's cache."""
_BASE = 0x9E3779B97F4A7C15
_CHUNK = 8
"""Bytes of a token that are read as one number."""

_SPACE, _MARK, _WORD, _SIGN = range(4)
"""Kinds of a byte. A sign is the first byte of a character that is a word of its own, as in scripts without spaces."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of several texts, one after the other; text i has those from `offsets[i]` to `offsets[i + 1]`.

    `starts` are the bytes of `data` at which they begin. `data` is all texts, one on a line.
    """

    data: bytes
    hashes: Numbers
    is_word: NDArray[np.bool_]
    starts: Positions
    offsets: Positions

    def words(self) -> Tokens:
        """Without punctuation."""
        return self.only(self.is_word)

    def only(self, wanted: NDArray[np.bool_]) -> Tokens:
        """Some of the tokens."""
        kept = np.flatnonzero(wanted)
        offsets = np.searchsorted(kept, self.offsets)
        return Tokens(self.data, self.hashes.take(kept), self.is_word.take(kept), self.starts.take(kept), offsets)

    def quote(self, begin: int, end: int) -> str:
        """The text from one token to another, which is left out."""
        stop = self.starts[end] if end < len(self.starts) else len(self.data)
        return self.data[self.starts[begin] : stop].decode("utf-8", "replace").strip()


def normalise(text: str) -> str:
    """NFKC and lower case."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).lower()


def tokenise(texts: Sequence[str]) -> Tokens:
    """Split texts, each normalised or plain ASCII: capital ASCII letters are read as small ones."""
    encoded = [text.encode("utf-8", "replace") for text in texts]
    data = b"\n".join(encoded)
    begins = np.cumsum([0, *(len(text) + 1 for text in encoded)], dtype=np.int64)
    starts, hashes, is_word = _joined(_tokens_of_block(data[start:end], start) for start, end in _blocks(data))
    return Tokens(data, hashes, is_word, starts, np.searchsorted(starts, begins).astype(np.int64))


def grams(hashes: Numbers, size: int) -> Numbers:
    """A hash for every run of `size` numbers, at the place where the run begins. Empty when there are fewer.

    The sum of number * base^place over the run, put together from runs of 1, 2, 4 ... numbers, as the binary digits of
    the size say. The numbers are hashes, so their sum needs no more mixing.
    """
    count = len(hashes) - size + 1
    if count <= 0:
        return np.empty(0, np.uint64)
    total, done, run, length = hashes[:count], 0, hashes, 1
    while True:
        shift = np.uint64(pow(_BASE, length, 1 << 64))
        if size & length:
            total = total * shift + run[done : done + count] if done else run[:count]
            done += length
        if done == size:
            return total
        run = run[:-length] * shift + run[length:]
        length *= 2


def grams_at(hashes: Numbers, places: Positions, size: int) -> Numbers:
    """What `grams` has at some of its places."""
    total = hashes.take(places)
    for step in range(1, size):
        total = total * np.uint64(_BASE) + hashes.take(places + step)
    return total


def combined(columns: Sequence[Numbers]) -> Numbers:
    """A hash for every row of several columns, which are broadcast against each other."""
    total = np.zeros(1, np.uint64)
    for column in columns:
        total = total * np.uint64(_BASE) + column
    return _mixed(total)


def _mixed(values: Numbers) -> Numbers:
    """Spread every bit over the high half, in place: one round of the finaliser of splitmix64."""
    values ^= values >> np.uint64(32)
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(29)
    return values


def _blocks(data: bytes) -> Iterator[tuple[int, int]]:
    """Cuts at white space, where there is some."""
    start = 0
    while start < len(data):
        end = start + _BLOCK
        if end < len(data):
            space = max(data.rfind(b" ", start, end), data.rfind(b"\n", start, end))
            end = space + 1 if space > start else end
        yield start, min(end, len(data))
        start = end


def _joined(parts: Iterator[tuple[Positions, Numbers, NDArray[np.bool_]]]) -> tuple[Any, Any, Any]:
    empty = (np.empty(0, np.int64), np.empty(0, np.uint64), np.empty(0, np.bool_))
    starts, hashes, is_word = zip(empty, *parts, strict=True)
    return np.concatenate(starts), np.concatenate(hashes), np.concatenate(is_word)


def _tokens_of_block(block: bytes, begin: int) -> tuple[Positions, Numbers, NDArray[np.bool_]]:
    """Where each token begins, its hash, and whether it is a word."""
    kinds = _kinds(block)
    word = kinds == _WORD
    word[1:] &= kinds[:-1] < _WORD
    is_start = (kinds & 1).view(np.bool_) | word
    is_end = kinds != _SPACE
    is_end[:-1] &= is_start[1:] | (kinds[1:] == _SPACE)
    starts = np.flatnonzero(is_start)
    hashes = _hashes(block.translate(_VALUE_OF), starts, np.flatnonzero(is_end) - starts + 1)
    return starts + begin, hashes, kinds.take(starts) >= _WORD


def _hashes(values: bytes, starts: Positions, lengths: Positions) -> Numbers:
    """A hash for each token, from eight of its bytes after the other: most tokens have no more."""
    chunks = np.ndarray((len(values),), "<u8", values + bytes(_CHUNK), strides=(1,))
    total = chunks.take(starts) & _MASKS.take(np.minimum(lengths, _CHUNK))
    total *= np.uint64(_BASE)
    read, rest = _CHUNK, np.flatnonzero(lengths > _CHUNK)
    while len(rest):
        more = chunks.take(starts[rest] + read) & _MASKS.take(np.minimum(lengths[rest] - read, _CHUNK))
        total[rest] = _mixed(total[rest]) * np.uint64(_BASE) + more
        read += _CHUNK
        rest = rest[lengths[rest] > read]
    return _mixed(total)


def _kinds(block: bytes) -> NDArray[np.uint8]:
    kinds = np.frombuffer(block.translate(_KIND_OF), np.uint8)
    if block.isascii():
        return kinds
    # Two leading bytes stand for punctuation and symbols alone, with the one or two bytes that follow them.
    kinds, codes = kinds.copy(), np.frombuffer(block, np.uint8)
    for lead, length in ((0xC2, 2), (0xE2, 3)):
        for step in range(length):
            kinds[np.minimum(np.flatnonzero(codes == lead) + step, len(kinds) - 1)] = _MARK
    return kinds


def _kind(byte: int) -> int:
    if byte >= 0xE3:
        return _SIGN
    if byte >= 0x80 or chr(byte).isalnum() or byte == ord("_"):
        return _WORD
    return _MARK if chr(byte).isprintable() and byte != ord(" ") else _SPACE


_KIND_OF = bytes(map(_kind, range(256)))
_VALUE_OF = bytes(
    0 if kind == _SPACE else ord(chr(byte).lower()) if byte < 128 else byte for byte, kind in enumerate(_KIND_OF)
)
_MASKS = np.array([(1 << 8 * length) - 1 for length in range(_CHUNK + 1)], np.uint64)
