"""Successive halving: many settings for a short time, the best of them for longer, until one rung has the full time.

After Jamieson and Talwalkar (AISTATS 2016) and the inner loop of Hyperband (Li et al., JMLR 18, 2018). Every rung
trains from the start: with a schedule of the learning rate, a short run is not the beginning of a long one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rung:
    """So many settings, each trained for `length`: iterations or epochs; None where nothing is halved."""

    number: int
    settings: int
    length: float | None = None


def rungs(settings: int, first: float, last: float, factor: int) -> tuple[Rung, ...]:
    """From all settings at length `first`, each time the best 1/`factor` of them for `factor` times as long.

    The last rung has length `last`; so as many rungs as fit between, and the first may be a little longer than asked.
    At least one setting is in each.
    """
    count = 1 + math.floor(math.log(last / first, factor) + 1e-9)
    return tuple(
        Rung(number, max(1, settings // factor**number), _shorter(last, factor ** (count - 1 - number)))
        for number in range(count)
    )


def _shorter(length: float, times: int) -> float:
    """Whole where the length is: iterations are."""
    return max(1, length // times) if isinstance(length, int) else length / times
