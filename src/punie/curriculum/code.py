"""The code of a row: what of its answer, or of its one text, is a program in a given language."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Iterator

from punie.curriculum.measure import Unscored
from punie.data.choose.snippets import Snippet, snippets
from punie.data.compare.syntax import parse
from punie.data.compare.text import decode_text
from punie.data.schema import row_shape
from punie.data.source import SourceRow

PYTHON = "python"


def answer_of(row: SourceRow) -> str:
    """What a row teaches to say. Raises DataError where its texts are no texts."""
    return decode_text(row.raw, row.where).answer()


def python_tree(row: SourceRow) -> ast.Module | Unscored:
    """All Python of the answer as one program; a completion that only continues its prompt is read after it."""
    answer = answer_of(row)
    found = _certain(answer, lambda snippet: snippet.is_python)
    code = "\n".join(textwrap.dedent(snippet.statements) for snippet in found)
    if code.strip() and (tree := parse(code)) is not None:
        return tree
    if (tree := _continued(row, answer)) is not None:
        return tree
    return Unscored("not Python 3") if code.strip() else Unscored("no Python in the answer")


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


def _continued(row: SourceRow, completion: str) -> ast.Module | None:
    """Prompt and completion where they are one program, and not a question and its answer that happen to parse."""
    prompt = row.row.get("prompt")
    if row_shape(row.row) != "completion" or not isinstance(prompt, str):
        return None
    tree = parse(prompt + completion)
    return tree if tree is not None and any(not isinstance(node, ast.Expr) for node in tree.body) else None
