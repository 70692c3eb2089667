"""The code of a row: what of its answer, or of its one text, is a program in a given language."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Iterator
from functools import lru_cache

from punie.curriculum.measure import Unscored
from punie.data.choose.snippets import Snippet, snippets
from punie.data.compare.syntax import parse
from punie.data.compare.text import decode_text
from punie.data.source import SourceRow

PYTHON = "python"


def answer_of(row: SourceRow) -> str:
    """What a row teaches to say. Raises DataError where its texts are no texts."""
    return decode_text(row.raw, row.where).answer()


def python_tree(row: SourceRow) -> ast.Module | Unscored:
    """All Python of the answer as one program; an indented completion, which continues its prompt, together with it."""
    return _program(row.raw, row.where)


@lru_cache(maxsize=1)
def _program(raw: bytes, where: str) -> ast.Module | Unscored:
    """Several measures look at one row after another."""
    text = decode_text(raw, where)
    answer = text.answer()
    continues = text.prompt is not None and answer == text.completion and answer[:1].isspace()
    if continues and (tree := parse(f"{text.prompt}{answer}")) is not None:
        return tree
    found = _certain(answer, lambda snippet: snippet.is_python)
    code = "\n".join(textwrap.dedent(snippet.statements) for snippet in found)
    if not code.strip():
        return Unscored("no Python in the answer")
    return parse(code) or Unscored("not Python 3")


def tagged_code(row: SourceRow, tags: frozenset[str]) -> str | Unscored:
    """The fenced blocks of the answer under one of these names; the whole answer where it has no fence at all."""
    found = list(_certain(answer := answer_of(row), lambda snippet: snippet.tag in tags))
    if found:
        return "\n".join(snippet.code for snippet in found)
    return Unscored("no code of this language in the answer") if "```" in answer or "~~~" in answer else answer


def _certain(text: str, wanted: Callable[[Snippet], bool]) -> Iterator[Snippet]:
    """Snippets whose ends are certain, or the guessed ones where there are no others."""
    found = [snippet for snippet in snippets(text) if wanted(snippet)]
    certain = any(snippet.bounded for snippet in found)
    return (snippet for snippet in found if snippet.bounded or not certain)
