"""What a model says to itself before it answers: no part of the answer."""

from __future__ import annotations

import re

_MARKS = (("<think>", "</think>"), ("<thinking>", "</thinking>"), ("[THINK]", "[/THINK]"))
_BLOCKS = [re.compile(rf"\s*{re.escape(begin)}.*?(?:{re.escape(end)}|\Z)", re.DOTALL) for begin, end in _MARKS]


def without_thinking(text: str) -> str:
    """The answer without the thinking blocks it begins with; later marks belong to the answer, for example to its code.

    A block without an end is all of the text. An end without a beginning ends what the chat template began.
    """
    for begin, end in _MARKS:
        before, mark, after = text.partition(end)
        if mark and begin not in before:
            text = after
    while (block := next((found for found in (pattern.match(text) for pattern in _BLOCKS) if found), None)) is not None:
        text = text[block.end() :]
    return text
