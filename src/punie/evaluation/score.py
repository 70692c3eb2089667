"""What a scorer says of one answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_SHOWN_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Score:
    """`value` is 1 or 0. `failure` names the class of a wrong answer, e.g. "wrong-value argument"."""

    value: float
    reason: str
    failure: str = ""
    partial: float | None = None
    """Which share of the tests or calls is right, 0..1, where there are several. It never counts as the score."""
    measurements: Mapping[str, float] = field(default_factory=dict)
    printed: str = ""
    """What judged code wrote to its output, cut in the middle."""

    @property
    def right(self) -> bool:
        return self.value == 1.0


def right(reason: str, partial: float | None = None) -> Score:
    return Score(1.0, reason, partial=partial)


def wrong(failure: str, reason: str, partial: float | None = None) -> Score:
    return Score(0.0, reason, failure, partial)


def shown(value: Any) -> str:
    """A value as a reason shows it, cut to 120 characters."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        # Python refuses to print integers of more than 4300 digits.
        return f"a {type(value).__name__} too long to show"
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
