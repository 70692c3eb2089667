"""Which texts may hold a known function under other names: a quick look at tokens before anything is parsed."""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from punie.data.overlap import KnownTexts
from punie.data.syntax import Function
from punie.data.words import Numbers, Positions, Tokens, normalise, tokenise

_RUN = 12
_LEAST = 0.5
"""Share of a known function's shape that must be met."""
_COMMENT = re.compile(r"#[^\n]*")
_BITS = 16
_SHIFT = np.uint64(64 - _BITS)


class KnownShapes:
    """Functions as runs of tokens in which all names that a program chooses are alike."""

    def __init__(self, functions: Sequence[Function]) -> None:
        tokens = _shape([_bare(ast.unparse(function)) for function in functions])
        parts = np.split(tokens.hashes, tokens.offsets[1:-1])
        self._known = KnownTexts(parts, _RUN)

    def suspects(self, texts: Sequence[str]) -> list[int]:
        """Texts that have the shape of one of the functions, nearly."""
        begins = [text.find("def ") for text in texts]
        rows = [row for row, begin in enumerate(begins) if begin >= 0]
        tokens = _shape([_bare(texts[row][begins[row] :]) for row in rows])
        return sorted({rows[overlap.row] for overlap in self._known.overlaps(tokens, _LEAST)})


def _bare(text: str) -> str:
    """Without comments and docstrings, nearly: what stands between two threefold quotes is left out."""
    text = "".join(text.split('"""')[::2])
    return _COMMENT.sub("", text) if "#" in text else text


def _shape(texts: Sequence[str]) -> Tokens:
    """Without brackets, commas and quotes; every name that a program chooses is the number 1."""
    tokens = tokenise([text if text.isascii() else normalise(text) for text in texts])
    tokens = tokens.only(~_DROPPED.take(_places(tokens.hashes)))
    fixed = _KEPT.take(_places(tokens.hashes)) | ~tokens.is_word
    fixed[1:] |= tokens.hashes[:-1] == _DOT
    return Tokens(np.where(fixed, tokens.hashes, _ANY_NAME), tokens.is_word, tokens.starts, tokens.offsets)


def _places(tokens: Numbers) -> Positions:
    """Where in a table of 65,536 each token is looked up. Sharing a place does no harm: this is a first look."""
    return (tokens >> _SHIFT).view(np.int64)


def _table(tokens: Numbers) -> NDArray[np.bool_]:
    table = np.zeros(1 << _BITS, np.bool_)
    table[_places(tokens)] = True
    return table


_ANY_NAME = np.uint64(1)
_DOT = tokenise(["."]).hashes[0]
_DROPPED = _table(tokenise(["( ) , ; ' \" \\ `"]).hashes)
_KEPT = _table(tokenise([" ".join([*keyword.kwlist, *dir(builtins), *map(str, range(11))])]).words().hashes)
