"""A text taken apart: prose for those who ask what language it is in, code for those who parse it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from punie.data.compare.syntax import parse

PYTHON_TAGS = frozenset("python py python3 py3 python2 py2 ipython pycon".split())

_FENCE = re.compile(
    r"^[ \t]*(?P<mark>`{3,}|~{3,})[ \t]*(?P<tag>[\w+#.-]*)[^\n]*\n(?P<code>.*?)(?:^[ \t]*(?P=mark)[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)
_INLINE = re.compile(r"`[^`\n]+`|\bhttps?://\S+|(?<!\S)[^\s/_\\.]*[/_\\.]\w\S*")
"""Inline code, addresses, paths, dotted and underscored names: none of them is a language that people speak."""
_CODE_LINE = re.compile(
    r"""(?:
      (?:\t|\ {4})\s*\S
    | >>>\ |\.\.\.\ |@\w+
    | (?:async\ +)?(?:def|class)\ +\w+.*[:(]
    | (?:from\ +[\w.]+\ +)?import\ +[\w.*]+(?:\ +as\ +\w+|\ *,.*)?\s*$
    | (?:if|elif|else|for|while|try|except|finally|with)\b.*:\s*(?:\#.*)?$
    | (?:return|raise|del|assert|yield)\b\s*[\w.\[\](){},'"+\-*/%=<>]*\s*$
    | [\w.\[\]'", ]+?\s*[-+*/|&%]?=(?!=)\s*\S
    | [\w.]+\(.*\)\s*;?\s*$
    | print\s+["'%\d`\[]|print\s*>>|print\s+\w+\s*$
    | //|/\*|\*/|\#include|\#!|<\/?\w+.*>\s*$
    | .*[{};]\s*$
    | (?:pub\ +)?(?:fn|struct|enum|impl|let|use|mod|const|var|function|public|private|static)\b.*[{;(=]
    )""",
    re.VERBOSE,
)
_LONGEST = 200
"""Characters of a line of code; a longer one is a paragraph."""
_COMMENT = re.compile(r"\s*(?:#|--|\*|$)| {1,3}\S")
"""Belongs to the code it stands beside, and to prose elsewhere: a comment or a heading, a blank or an indented line."""
_PYTHON = re.compile(
    r"^[ \t]*(?:>>> |def \w+\(|class \w+|import \w|from [\w.]+ import|print\b|exec\b|for .+ in .+:"
    r"|(?:if|while|elif) .+:|(?:try|else|finally):|except\b.*:|raise\b|[\w.]+ *= *[\w\"'\[(])",
    re.MULTILINE,
)
_DEFINES = re.compile(r"^[ \t]*(?:def|class|import|from|for|while|if|with|try|async)\b|\w[ \t]*=", re.MULTILINE)
_PROMPT = re.compile(r"^[ \t]*(?:>>>|\.\.\.) ?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Snippet:
    """Code, and the word after its fence: empty where there is none.

    `bounded` code begins and ends where its author said: at a fence, or with the text. Other code is a guess.
    """

    tag: str
    code: str
    bounded: bool = True

    @property
    def is_python(self) -> bool:
        return self.tag in PYTHON_TAGS if self.tag else _PYTHON.search(self.code) is not None

    @property
    def statements(self) -> str:
        """The code alone where an interpreter's session is shown."""
        if not self.code.lstrip().startswith(">>>"):
            return self.code
        shown = (line for line in self.code.splitlines() if _PROMPT.match(line))
        return "\n".join(_PROMPT.sub("", line, count=1) for line in shown)


def snippets(text: str) -> list[Snippet]:
    """Fenced blocks in their order, then runs of lines outside any fence that are code by their looks."""
    if _is_python(text):
        return [Snippet("", text)]
    found = [Snippet(match["tag"].lower(), match["code"]) for match in _FENCE.finditer(text)]
    runs = list(_runs(_FENCE.sub("\n", text)))
    bounded = not found and len(runs) == 1
    return [*found, *(Snippet("", "\n".join(lines), bounded) for is_code, lines in runs if is_code)]


def prose(text: str, most: int | None = None) -> str:
    """What is left without code: fenced, inline, or in lines that look like it; `most` characters before the inline."""
    if _is_python(text):
        return ""
    if "```" in text or "~~~" in text:
        text = _FENCE.sub("\n", text)
    spoken = "\n".join(line for is_code, lines in _runs(text) if not is_code for line in lines)
    return _INLINE.sub(" ", spoken[:most])


def _is_python(text: str) -> bool:
    """Whether the whole text is a program. A word or two that happen to parse are none."""
    if "```" in text or not _DEFINES.search(text):
        return False
    tree = parse(text)
    return tree is not None and any(not isinstance(node, ast.Expr) for node in tree.body)


def _runs(text: str) -> Iterator[tuple[bool, list[str]]]:
    lines = text.split("\n")
    for is_code, group in groupby(zip(_marks(lines), lines, strict=True), key=lambda pair: pair[0]):
        yield is_code, [line for _, line in group]


def _marks(lines: list[str]) -> list[bool]:
    """Which lines are code. A comment or a blank line follows its neighbours; a docstring belongs to its function."""
    marks: list[bool | None] = []
    docstring = False
    for line in lines:
        opens = (line.count('"""') + line.count("'''")) % 2 == 1
        if docstring or (opens and any(marks[-1:])):
            marks.append(True)
        else:
            is_code = len(line) <= _LONGEST and _CODE_LINE.match(line)
            marks.append(True if is_code else None if _COMMENT.match(line) else False)
        docstring ^= opens and (docstring or marks[-1] is True)
    return _settled(marks)


def _settled(marks: list[bool | None]) -> list[bool]:
    """Undecided lines before code are code; others are what stands above them."""
    settled: list[bool] = []
    following: bool | None = None
    ahead = list[bool | None]()
    for mark in reversed(marks):
        following = following if mark is None else mark
        ahead.append(following)
    above = False
    for mark, below in zip(marks, reversed(ahead), strict=True):
        above = mark if mark is not None else above or bool(below)
        settled.append(above)
    return settled
