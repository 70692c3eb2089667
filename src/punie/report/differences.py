"""Where two answers differ, word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_WORD = re.compile(r"\w+|\s+|[^\w\s]")
_LONGEST = 50_000
"""Characters of an answer from which on nobody reads it word by word."""
_MOST = 250_000
"""Words of one answer times words of the other from which on they are not laid side by side."""
_ALIKE = 0.3
"""Answers that share less than this are not marked: marks all over would hide both."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer; `changed` where the other answer has something else there, or nothing."""

    text: str
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """Two answers in pieces that add up to them. `note` says why no piece is marked, or is empty."""

    before: tuple[Piece, ...]
    after: tuple[Piece, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Block:
    """Some words of the first answer and what stands in their place in the second."""

    before: str
    after: str
    same: bool


def difference(before: str, after: str) -> Difference:
    """Mark the words that only one of the two has. What they begin and end with alike is set apart first."""
    if before == after:
        return _unmarked(before, after, "Both answers are the same.")
    if max(len(before), len(after)) > _LONGEST:
        return _unmarked(before, after, "The answers differ; they are too long to mark where.")
    blocks = [block for block in _blocks(_WORD.findall(before), _WORD.findall(after)) if block.before or block.after]
    if 2 * sum(len(block.before) for block in blocks if block.same) < _ALIKE * (len(before) + len(after)):
        return _unmarked(before, after, "The answers have too little in common to mark where they differ.")
    return Difference(
        tuple(Piece(block.before, not block.same) for block in blocks if block.before),
        tuple(Piece(block.after, not block.same) for block in blocks if block.after),
    )


def _unmarked(before: str, after: str, note: str) -> Difference:
    return Difference((Piece(before),), (Piece(after),), note)


def _blocks(first: Sequence[str], second: Sequence[str]) -> Iterator[_Block]:
    head = _shared(first, second)
    tail = _shared(first[head:][::-1], second[head:][::-1])
    yield _block(first[:head], second[:head], same=True)
    yield from _middle(first[head : len(first) - tail], second[head : len(second) - tail])
    yield _block(first[len(first) - tail :], second[len(second) - tail :], same=True)


def _shared(first: Sequence[str], second: Sequence[str]) -> int:
    """How many words they begin with alike."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((number for number, (one, other) in pairs if one != other), min(len(first), len(second)))


def _middle(first: Sequence[str], second: Sequence[str]) -> Iterator[_Block]:
    """Blank space is junk to the matcher: alone between two changed words it is part of the change."""
    if len(first) * len(second) > _MOST:
        yield _block(first, second, same=False)
        return
    for kind, low, high, start, end in SequenceMatcher(str.isspace, first, second, autojunk=False).get_opcodes():
        yield _block(first[low:high], second[start:end], same=kind == "equal")


def _block(first: Sequence[str], second: Sequence[str], *, same: bool) -> _Block:
    return _Block("".join(first), "".join(second), same)
