"""Judging a final answer: a number, a text, a choice, or words that occur."""

from __future__ import annotations

import math
import re

from punie.evaluation.expectations import ChoiceExpectation, KeywordExpectation, NumberExpectation, TextExpectation
from punie.evaluation.final_answer import find_choice, find_number, find_text, plain
from punie.evaluation.score import Score, right, shown, wrong


def score_number(expect: NumberExpectation, text: str) -> Score:
    number = find_number(text)
    if number is None:
        return wrong("no number", "the text holds no number")
    if not math.isclose(number, expect.value, rel_tol=expect.relative_tolerance, abs_tol=expect.tolerance):
        return wrong("wrong number", f"{number:.15g} instead of {expect.value:.15g}")
    return right(f"{number:.15g}")


def score_text(expect: TextExpectation, text: str) -> Score:
    found = find_text(text)
    if found is None:
        return wrong("no answer", "the text is empty")
    if _is_accepted(expect, found):
        return right(shown(found))
    wanted = f"what matches {expect.regex}" if expect.regex else " or ".join(map(shown, expect.accepted()))
    return wrong("wrong text", f"{shown(found)} instead of {wanted}")


def _is_accepted(expect: TextExpectation, found: str) -> bool:
    if expect.regex:
        return re.fullmatch(expect.regex, found, re.IGNORECASE if expect.ignore_case else 0) is not None
    accepted = map(plain, expect.accepted())
    return found.casefold() in map(str.casefold, accepted) if expect.ignore_case else found in accepted


def score_choice(expect: ChoiceExpectation, text: str) -> Score:
    letter = find_choice(text, expect.choices)
    if letter is None:
        return wrong("no choice", f"no single letter among {', '.join(expect.choices)}")
    if letter != expect.value:
        return wrong("wrong choice", f"{letter} instead of {expect.value}")
    return right(letter)


def score_keywords(expect: KeywordExpectation, text: str) -> Score:
    """Whole words, in any case."""
    missing = [word for word in expect.all if not _occurs(word, text)]
    if missing:
        return wrong("missing keyword", f"{shown(missing[0])} does not occur")
    if expect.any and not any(_occurs(word, text) for word in expect.any):
        return wrong("missing keyword", f"none of {', '.join(map(shown, expect.any))} occurs")
    return right("the keywords occur, which is weak evidence")


def _occurs(word: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word.strip())}(?!\w)", text, re.IGNORECASE) is not None
