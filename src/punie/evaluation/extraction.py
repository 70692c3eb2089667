"""Finding the code in what a model wrote.

1. Fenced blocks that are marked as Python, or not marked: the last one that defines the function, or else the first.
   A block that is not closed ends with the text.
2. Without any fence: from the first line of code (def, class, @, import) to the last line up to which the text is
   still Python. Where no prefix is Python, everything from that line on, so that compiling it says why.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from punie.syntax import UNPARSABLE, parse

_FENCED = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([^\n`]*)\n(.*?)(^[ \t]*\1|\Z)", re.DOTALL | re.MULTILINE)
_PYTHON = re.compile(r"(?:py\w*|ipython\w*)?(?![\w+#-])", re.IGNORECASE)
_FIRST_LINE_OF_CODE = re.compile(
    r"^(?:(?:async +def|def|class) +\w|@\w|import +\w|from +[\w.]+ +import\b)", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: the first word behind its fence, what is in it, and whether it has an end."""

    language: str
    text: str
    closed: bool

    @property
    def is_python(self) -> bool:
        return _PYTHON.match(self.language) is not None


@dataclass(frozen=True, slots=True)
class Code:
    """The code of an answer; or "" and, in `missing`, which class of failure that is."""

    text: str
    missing: str = ""


def find_code(text: str, entry_point: str) -> Code:
    """The code that should define `entry_point`. Missing is "no code", "wrong language", or "truncated": a block that
    has no end and is not Python as far as it goes.
    """
    blocks = list(fenced_blocks(text))
    if not blocks:
        bare = _bare_code(text)
        return Code(bare, "" if bare else "no code")
    python = [block for block in blocks if block.is_python]
    if not python:
        return Code("", "wrong language")
    defining = [block for block in python if defines(block.text, entry_point)]
    block = defining[-1] if defining else python[0]
    if not block.closed and not is_python(block.text):
        return Code("", "truncated")
    return Code(block.text)


def fenced_blocks(text: str) -> Iterator[Block]:
    for match in _FENCED.finditer(text):
        language = (match[2].split() or [""])[0]
        yield Block(language, textwrap.dedent(match[3]), bool(match[4]))


def defines(source: str, name: str) -> bool:
    """Whether some line, at whatever depth, begins a function or a name called so."""
    named = re.escape(name)
    return re.search(rf"^[ \t]*(?:(?:async +)?def +{named}\b|{named} *=(?!=))", source, re.MULTILINE) is not None


def method_owner(source: str, name: str) -> str | None:
    """The class that has the function as a method, where no function at top level is called so."""
    try:
        body = parse(source).body
    except UNPARSABLE:
        return None
    if any(name in _names(node) for node in body):
        return None
    classes = [node for node in body if isinstance(node, ast.ClassDef)]
    return next((node.name for node in reversed(classes) if any(name in _names(item) for item in node.body)), None)


def is_python(source: str) -> bool:
    try:
        parse(source)
    except UNPARSABLE:
        return False
    return True


def _names(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case ast.ImportFrom(names=names):
            return [alias.asname or alias.name for alias in names]
    return []


def _bare_code(text: str) -> str:
    start = _FIRST_LINE_OF_CODE.search(text)
    code = text[start.start() :] if start else ""
    return _python_prefix(code) or code


def _python_prefix(code: str) -> str:
    """Lines dropped from the end until the rest parses: no prefix reaches beyond the line of a syntax error."""
    lines = code.split("\n")
    while lines:
        try:
            parse("\n".join(lines))
        except SyntaxError as error:
            del lines[max(0, min(len(lines), error.lineno or len(lines)) - 1) :]
        except (ValueError, MemoryError, RecursionError):
            lines.pop()
        else:
            break
    return "\n".join(lines)
