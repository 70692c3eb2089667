"""Finding the code, and the number, in what a model wrote."""

from __future__ import annotations

import re

from punie.sandbox.source import parse

_FENCED = re.compile(r"^[ \t]*```[^\n]*\n(.*?)(?:^[ \t]*```|\Z)", re.DOTALL | re.MULTILINE)
_FIRST_LINE_OF_CODE = re.compile(
    r"^(?:(?:async +def|def|class) +\w|@\w|import +\w|from +[\w.]+ +import\b)", re.MULTILINE
)

_NUMBER = r"(?<![\w.])[-\u2212]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?"
_ANY_NUMBER = re.compile(_NUMBER)
_ANSWER = re.compile(rf"\banswer:[\s*$]*({_NUMBER})", re.IGNORECASE)


def find_code(text: str) -> str | None:
    """The first fenced block as it stands; without a fence, from the first line of code (def, class, @, import) to the
    last line up to which the text is still Python. None when there is neither.

    Where no prefix is Python, everything from the first line of code is returned, so that compiling it says why.
    """
    if (block := _FENCED.search(text)) is not None:
        return block.group(1)
    if (start := _FIRST_LINE_OF_CODE.search(text)) is not None:
        code = text[start.start() :]
        return _python_prefix(code) or code
    return None


def find_number(text: str) -> float | None:
    """The number of the last "Answer: N", or else the last number: -12, 1,234, 3.50, 1e6. None when there is none."""
    numbers = _ANSWER.findall(text) or _ANY_NUMBER.findall(text)
    return float(numbers[-1].replace(",", "").replace("\u2212", "-")) if numbers else None


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
