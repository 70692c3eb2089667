"""How far a command is: one value for every part of its work, heard by whoever waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

T = TypeVar("T")

_PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the work by name, and how much of it is done."""

    what: str
    done: int
    total: int
    unit: Literal["bytes", "rows"]


Progress = Callable[[Step], None]


def unheard(step: Step) -> None:
    """Where nobody waits."""


def watched(
    items: Iterable[T], progress: Progress, what: str, total: int, size: Callable[[T], int] | None = None
) -> Iterator[T]:
    """The same items; `progress` hears of them at the beginning, ten times a second at most, and at the end.

    `total` is in rows, or in bytes where `size` gives those of one item.
    """
    unit: Literal["bytes", "rows"] = "rows" if size is None else "bytes"
    progress(Step(what, 0, total, unit))
    done, due = 0, time.monotonic() + _PAUSE_SECONDS
    for item in items:
        yield item
        done += 1 if size is None else size(item)
        if time.monotonic() >= due:
            progress(Step(what, done, total, unit))
            due = time.monotonic() + _PAUSE_SECONDS
    progress(Step(what, done, total, unit))
