"""How far a text has fallen into repetition: measured for every answer, and a rule for when it is no answer at all."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

_WORD = re.compile(r"\w+|[^\w\s]")
_LONGEST_PERIOD = 24
_ROUNDS = 3
_MOST_WORDS = 4096


def measure(text: str) -> dict[str, float]:
    """`distinct_2`: the share of word pairs that differ (Li et al. 2016, arXiv 1510.03055). `longest_repeat`: the share
    of the words in the longest stretch that says the same three times in a row or more. `entropy`: bits per word.
    """
    words = _words(text)
    return {
        "distinct_2": distinct(words, 2),
        "longest_repeat": longest_repeat(words) / len(words) if words else 0.0,
        "entropy": entropy(words),
    }


def is_degenerate(text: str) -> bool:
    """No word at all; or twelve words or more, half of them in one stretch that repeats itself."""
    words = _words(text)
    if not any(word.isalnum() for word in words):
        return True
    return len(words) >= 12 and longest_repeat(words) >= len(words) / 2


def distinct(words: Sequence[str], size: int) -> float:
    pairs = [tuple(words[index : index + size]) for index in range(len(words) - size + 1)]
    return len(set(pairs)) / len(pairs) if pairs else 1.0


def longest_repeat(words: Sequence[str]) -> int:
    """Words in the longest stretch that is one block of up to 24 words, three times or more in a row."""
    longest = 0
    for period in range(1, min(_LONGEST_PERIOD, len(words) // _ROUNDS) + 1):
        run = 0
        for index in range(period, len(words)):
            run = run + 1 if words[index] == words[index - period] else 0
            if run >= (_ROUNDS - 1) * period:
                longest = max(longest, run + period)
    return longest


def entropy(words: Sequence[str]) -> float:
    total = len(words)
    return sum(-count / total * math.log2(count / total) for count in Counter(words).values())


def _words(text: str) -> list[str]:
    return _WORD.findall(text[: 16 * _MOST_WORDS].casefold())[:_MOST_WORDS]
