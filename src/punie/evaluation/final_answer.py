r"""The final answer in what a model wrote: a number, a text, the letter of a choice.

It stands behind the last mark: "answer:", "answer is", "####", or in \boxed{}. Behind a mark counts the rest of its
line, or the next line where that rest is empty. Without a mark each kind has its own rule. Two marks that say
different things: the last one counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_MARK = re.compile(r"\banswer\b[*_]*(?:\s+is\b\s*[:=]?|\s*[:=])|####|\\boxed\s*\{", re.IGNORECASE)
_DECORATION = " \t\r*_`$\"'\u201c\u201d\u2018\u2019"
_LATEX = re.compile(r"\\(?:boxed|text|mathrm|mathbf)\s*\{([^{}]*)\}|\\[(\[\])]")

_NUMBER = re.compile(
    r"(?<![\w.])([-\u2212]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?)(?:/(\d*[1-9]\d*)(?![/\d]))?"
)
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_REMARK = re.compile(r"\.\s|[;(]")

_LETTER = re.compile(r"\W*(?:(?:option|choice)\W+)?([A-Z])(?![\w'])|\W*\(?([a-z])(?:\)|\.?\Z)", re.DOTALL)
_SECOND_LETTER = re.compile(r"[\s*_)]*(?:\bor\b|\band\b|/|,)[\s*_(]*[A-Z](?![\w'])")
_LINE_OF_CHOICE = re.compile(r"^\W*([A-Z])(?:\W*$|\s*[).:]+(?:\W|$))", re.MULTILINE)


def find_number(text: str) -> float | None:
    """The first number behind the last mark that has one, behind an equals sign if there is one: "12 + 30 = 42".

    Without such a mark the last number of the text: -12, 1,234, 3.50, 1e6, 3/4. None where there is none.
    """
    for marked in reversed(_behind_marks(text)):
        said = _REMARK.split(marked, maxsplit=1)[0]
        if (number := _NUMBER.search(said.rpartition("=")[2])) is not None:
            return _value(number)
    numbers = list(_NUMBER.finditer(text))
    return _value(numbers[-1]) if numbers else None


def find_text(text: str) -> str | None:
    """What stands behind the last mark, or else the last line, as `plain` has it. None for an empty answer."""
    said = _behind_marks(text) or [line for line in text.splitlines() if line.strip()]
    return plain(said[-1]) if said else None


def plain(text: str) -> str:
    """Without quotes, emphasis and the full stop around it, with single spaces."""
    bare = text.strip(_DECORATION).removesuffix(".").strip(_DECORATION)
    return " ".join(bare.split())


def find_choice(text: str, choices: Sequence[str]) -> str | None:
    """A letter among `choices` that begins what stands behind the last mark: B, (B), **B**, B) Paris, option B, b).

    Without a mark, the letter of the only line that is one, or that begins with one and a bracket, stop or colon. None
    where there is no such letter, or two: "A or B" chooses nothing.
    """
    if said := _behind_marks(text):
        letter = _LETTER.match(said[-1])
        if letter is None or _SECOND_LETTER.match(said[-1], letter.end()):
            return None
        found = {(letter[1] or letter[2]).upper()}
    else:
        found = set(_LINE_OF_CHOICE.findall(text))
    return next(iter(found)) if len(found) == 1 and found <= set(choices) else None


def _behind_marks(text: str) -> list[str]:
    """What each mark says, in order."""
    return [said for mark in _MARK.finditer(text) if (said := _behind(text, mark)).strip()]


def _behind(text: str, mark: re.Match[str]) -> str:
    rest = text[mark.end() :]
    if mark[0].startswith("\\"):
        return _without_latex(_braced(rest))
    first, _, others = rest.partition("\n")
    return _without_latex(first if first.strip(_DECORATION) else others.lstrip().partition("\n")[0])


def _braced(text: str) -> str:
    depth = 1
    for index, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return text[:index]
    return text


def _without_latex(text: str) -> str:
    return _LATEX.sub(lambda match: match[1] or "", _FRACTION.sub(r"\1/\2", text))


def _value(number: re.Match[str]) -> float:
    numerator = float(number[1].replace(",", "").replace("\u2212", "-"))
    return numerator / int(number[2]) if number[2] else numerator
