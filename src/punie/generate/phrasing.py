"""A phrasing with its slots filled, plain or with the noise of real requests."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from punie.generate import words

_BEFORE = ("Please: ", "Now ", "Next: ", "OK. ", "Hi! ", "One more thing. ", "Hello, ", "Quick question: ")
_AFTER = (" Thanks.", " Thank you!", " Please.", " It is urgent.", " Take your time.")


def fill(template: str, slots: Mapping[str, str]) -> str:
    return template.format(**slots)


def decorate(template: str, rng: Random) -> str:
    """Sometimes put a greeting before a template, or thanks after it."""
    before = rng.choice(_BEFORE) if rng.random() < 0.25 else ""
    after = rng.choice(_AFTER) if rng.random() < 0.2 else ""
    return f"{before}{template}{after}"


def disturb(template: str, rng: Random) -> str:
    """Replace, insert or drop one or two words away from the slots, so that a skill does not hang on exact words."""
    parts = template.split(" ")
    for _ in range(rng.randint(1, 2)):
        free = [index for index in range(len(parts)) if not _touches_slot(parts, index)]
        if not free:
            break
        index = rng.choice(free)
        parts[index : index + 1] = rng.choice(([words.word(rng)], [words.word(rng), parts[index]], []))
    return " ".join(parts)


def _touches_slot(parts: list[str], index: int) -> bool:
    return any("{" in part for part in parts[max(0, index - 1) : index + 2])
