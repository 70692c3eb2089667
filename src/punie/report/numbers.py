"""How a number is written, for every page and every table: one place, so that they all agree.

A rounded number never claims more than the number itself: 100% means all, 0% means none, and a p-value below 0.05 never
shows as 0.05.
"""

from __future__ import annotations

import math

from punie.evaluation.stats import ALPHA, Interval, Rate

_NOTHING = "–"
_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")


def percent(share: float) -> str:
    """0.8667 -> "86.7%"; NaN, the share of nothing, is a dash."""
    if math.isnan(share):
        return _NOTHING
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    text = f"{share:.1%}"
    return {"100.0%": ">99.9%", "0.0%": "<0.1%"}.get(text, text)


def signed(difference: float) -> str:
    """A difference of shares in points, with its sign and a true minus: 0.622 -> "+62.2"."""
    if math.isnan(difference):
        return _NOTHING
    text = f"{100 * difference:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def points(difference: float) -> str:
    """0.622 -> "+62.2 points"."""
    return f"{signed(difference)} points"


def distance(difference: float) -> str:
    """A size without direction: 0.042 -> "4.2 points"."""
    return f"{100 * difference:.1f} points"


def count(rate: Rate) -> str:
    return f"{rate.right} of {rate.counted}"


def percent_interval(interval: Interval) -> str:
    """A rate's interval: "78.5 to 89.5%"."""
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f}%"


def points_interval(interval: Interval) -> str:
    """A difference's interval in points: "+57.0 to +67.0"."""
    return f"{signed(interval.low)} to {signed(interval.high)}"


def p_value(p: float) -> str:
    """ "p = 0.031", "p < 0.0001": for a sentence."""
    text = p_number(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def p_number(p: float) -> str:
    """ "0.031", "< 0.0001": for a column. Two decimals where nothing hangs on it, four near the limit of 0.05."""
    if p < 0.0001:
        return "< 0.0001"
    if abs(p - ALPHA) < 0.005:
        return _at_limit(p)
    digits = 4 if p < 0.001 else 3 if p < 0.1 else 2
    return f"{p:.{digits}f}"


def _at_limit(p: float) -> str:
    text = f"{p:.4f}"
    return "0.0499" if text == "0.0500" and p < ALPHA else text


def size(count_of_bytes: float) -> str:
    """Decimal units: 4_012_345 -> "4.0 MB"."""
    for unit in _BYTE_UNITS[:-1]:
        if count_of_bytes < 999.5:
            return f"{count_of_bytes:.0f} B" if unit == "B" else f"{count_of_bytes:.1f} {unit}"
        count_of_bytes /= 1000
    return f"{count_of_bytes:.1f} {_BYTE_UNITS[-1]}"


def duration(seconds: float) -> str:
    """0.35 -> "0.35 s"; 125 -> "2 min 05 s"; 3840 -> "1 h 04 min"."""
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def duration_within(seconds: float, plus_minus: float) -> str:
    """ "41 min 10 s +- 4 min 07 s"."""
    return f"{duration(seconds)} +- {duration(plus_minus)}"


def category(name: str) -> str:
    """ "tool_calling" -> "Tool calling"."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
