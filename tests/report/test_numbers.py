from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from punie.evaluation.stats import Interval, Rate
from punie.report import numbers


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (numbers.percent, 312 / 360, "86.7%"),
        (numbers.percent, 1.0, "100%"),
        (numbers.percent, 0.0, "0%"),
        (numbers.percent, 2999 / 3000, ">99.9%"),
        (numbers.percent, 1 / 3000, "<0.1%"),
        (numbers.percent, math.nan, "–"),
        (numbers.points, 0.6222, "+62.2 points"),
        (numbers.points, -0.031, "−3.1 points"),
        (numbers.points, -0.0001, "0.0 points"),
        (numbers.points, math.nan, "– points"),
        (numbers.distance, 0.0418, "4.2 points"),
        (numbers.count, Rate(312, 360), "312 of 360"),
        (numbers.percent_interval, Interval(0.785, 0.895), "78.5 to 89.5%"),
        (numbers.points_interval, Interval(-0.012, 0.034), "−1.2 to +3.4"),
        (numbers.p_value, 1e-30, "p < 0.0001"),
        (numbers.p_value, 0.00031, "p = 0.0003"),
        (numbers.p_value, 0.03125, "p = 0.031"),
        (numbers.p_value, 0.049999, "p = 0.0499"),
        (numbers.p_value, 0.05, "p = 0.0500"),
        (numbers.p_value, 0.0625, "p = 0.062"),
        (numbers.p_value, 1.0, "p = 1.00"),
        (numbers.p_number, 1e-9, "< 0.0001"),
        (numbers.p_number, 0.0123, "0.012"),
        (numbers.size, 0, "0 B"),
        (numbers.size, 999.7, "1.0 kB"),
        (numbers.size, 4_012_345, "4.0 MB"),
        (numbers.size, 17e9, "17.0 GB"),
        (numbers.size, 3e15, "3000.0 TB"),
        (numbers.duration, 0.347, "0.35 s"),
        (numbers.duration, 59.99, "1 min 00 s"),
        (numbers.duration, 41.26, "41.3 s"),
        (numbers.duration, 125, "2 min 05 s"),
        (numbers.duration, 3840, "1 h 04 min"),
        (numbers.category, "tool_calling", "Tool calling"),
        (numbers.category, "SQL_queries", "SQL queries"),
    ],
)
def test_numbers_are_written_as_agreed(write: Callable[[Any], str], value: Any, text: str) -> None:
    """Every kind of number has one form, and rounding never turns some into all, or none."""
    assert write(value) == text
