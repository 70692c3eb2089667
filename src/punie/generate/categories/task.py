"""A template of a small task in one category: statement, solution and rule, with constants and names to be drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

Constants = Mapping[str, Any]
"""`k` (2 to 9), `t` (1 to 24), `c` (a letter), `w` (a word); `k0` is 10 * k, `high` t + k, `far` t + 10 * k.

In statement, body and helper they stand as `$k`.
"""
Draw = Callable[[Random], tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Task:
    """`rule(constants, *arguments)` says what is right by other means than `body`.

    Arguments are one value of each of `kinds`, or what `draw` gives. Where a test needs more than a call, `helper` is a
    function `run` that the tests call instead.
    """

    category: str
    key: str
    kinds: tuple[str, ...]
    says: tuple[str, ...]
    body: str
    rule: Callable[..., Any]
    helper: str = ""
    draw: Draw | None = None


def draw_constants(rng: Random, words: Sequence[str]) -> Constants:
    k, t = rng.randint(2, 9), rng.randint(1, 24)
    letter, word = rng.choice("aeilnorst"), rng.choice(words)
    return {"k": k, "t": t, "c": letter, "w": word, "k0": 10 * k, "high": t + k, "far": t + 10 * k}
