"""Which texts may hold a known function under other names: a quick look at tokens before anything is parsed."""

from __future__ import annotations

import ast
import builtins
import keyword
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from punie.data.compare.overlap import KnownTexts
from punie.data.compare.syntax import Function
from punie.data.compare.words import Numbers, Positions, Tokens, tokenise

_RUN = 12
_LEAST = 0.5
"""Share of a known function's shape that must be met."""
_BITS = 16
_SHIFT = np.uint64(64 - _BITS)


class KnownShapes:
    """Functions as runs of tokens in which all names that a program chooses are alike."""

    def __init__(self, functions: Sequence[Function]) -> None:
        shapes = _shapes(tokenise([ast.unparse(function) for function in functions]))
        self._known = KnownTexts(np.split(shapes.hashes, shapes.offsets[1:-1]), _RUN)

    def suspects(self, tokens: Tokens) -> list[int]:
        """Texts that have the shape of one of the functions, nearly."""
        return sorted({overlap.row for overlap in self._known.overlaps(_shapes(tokens), _LEAST)})


def _shapes(tokens: Tokens) -> Tokens:
    """From the first `def` of each text on, without brackets, commas, quotes, comments and docstrings.

    Every name that a program chooses is the number 1; names after a dot and built-in names stay.
    """
    code = tokens.only(_defined(tokens))
    aside = map(np.concatenate, zip(_comments(code), _docstrings(code), strict=True))
    code = code.only(~(_DROPPED.take(_places(code.hashes)) | _within(code, *aside)))
    fixed = _KEPT.take(_places(code.hashes)) | ~code.is_word
    fixed[1:] |= code.hashes[:-1] == _DOT
    return replace(code, hashes=np.where(fixed, code.hashes, _ANY_NAME))


def _defined(tokens: Tokens) -> NDArray[np.bool_]:
    """Which tokens stand behind the first `def` of their text, that one included."""
    defs = np.append(np.flatnonzero(tokens.hashes == _DEF), len(tokens.hashes))
    firsts = np.minimum(defs.take(np.searchsorted(defs, tokens.offsets[:-1])), tokens.offsets[1:])
    edges = np.column_stack([firsts, tokens.offsets[1:]]).ravel()
    return np.repeat(np.arange(len(edges)) % 2 == 1, np.diff(edges, prepend=0))


def _comments(tokens: Tokens) -> tuple[Positions, Positions]:
    """First and last + 1 of the tokens from each # to the end of its line."""
    begins = np.flatnonzero(tokens.hashes == _HASH)
    ends, end = list[int](), -1
    for start in tokens.starts[begins].tolist():
        if start > end:
            end = tokens.data.find(b"\n", start)
            end = len(tokens.data) if end < 0 else end
        ends.append(end)
    return begins, np.searchsorted(tokens.starts, ends)


def _docstrings(tokens: Tokens) -> tuple[Positions, Positions]:
    """First and last + 1 of the tokens from each threefold quote to the next one in the same text."""
    quotes = tokens.hashes == _QUOTE
    threes = np.flatnonzero(quotes[:-2] & quotes[1:-1] & quotes[2:])
    threes = threes[np.diff(threes, prepend=-3) >= 3]
    texts = np.searchsorted(tokens.offsets, threes, "right") - 1
    opens = (np.arange(len(threes)) - np.searchsorted(texts, texts)) % 2 == 0
    closing = np.append(threes[1:], 0)[opens]
    stays = np.append(texts[1:] == texts[:-1], False)[opens]
    return threes[opens], np.where(stays, closing, tokens.offsets[texts[opens] + 1])


def _within(tokens: Tokens, begins: Positions, ends: Positions) -> NDArray[np.bool_]:
    """Which tokens are in one of these ranges."""
    steps = np.zeros(len(tokens.hashes) + 1, np.int32)
    np.add.at(steps, begins, 1)
    np.subtract.at(steps, ends, 1)
    return np.cumsum(steps[:-1]) > 0


def _places(tokens: Numbers) -> Positions:
    """Where in a table of 65,536 each token is looked up. Sharing a place does no harm: this is a first look."""
    return (tokens >> _SHIFT).view(np.int64)


def _table(tokens: Numbers) -> NDArray[np.bool_]:
    table = np.zeros(1 << _BITS, np.bool_)
    table[_places(tokens)] = True
    return table


_ANY_NAME = np.uint64(1)
_DOT, _HASH, _QUOTE, _DEF = tokenise(['. # " def']).hashes
_DROPPED = _table(tokenise(["( ) , ; ' \" \\ `"]).hashes)
_KEPT = _table(tokenise([" ".join([*keyword.kwlist, *dir(builtins), *map(str, range(11))])]).words().hashes)
