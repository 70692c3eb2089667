"""Cases of a suite drawn from families of problems."""

from __future__ import annotations

from collections import Counter

import pytest

from punie.errors import UsageError
from punie.generate.algorithms.cases import LEVELS, draw_cases
from punie.generate.algorithms.catalogue import BASIC


def test_a_group_of_basic_types_is_a_part_of_the_whole_group() -> None:
    """The same problems under the same ids, of the eleven types at each level once."""
    basic = {row["id"]: row for row in draw_cases({"basic plain": 1}, 999)}
    whole = {row["id"]: row for row in draw_cases({"plain": 1}, 999)}
    assert basic.items() <= whole.items()
    assert Counter(row["category"] for row in basic.values()) == dict.fromkeys(BASIC, len(LEVELS))


@pytest.mark.parametrize("group", ["plane", "easy plain", "basic"])
def test_a_group_that_does_not_exist_is_named(group: str) -> None:
    """What there is stands beside it."""
    with pytest.raises(UsageError, match=group) as caught:
        next(draw_cases({group: 1}, 999))
    assert "held-out type" in caught.value.hint
