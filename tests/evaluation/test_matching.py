from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from punie.evaluation.matching import assign


def test_a_row_gives_way_where_it_fits_elsewhere() -> None:
    """Greedy matching gives the first row the only column of the second."""
    assert assign([[True, True], [True, False]]) == [1, 0]
    assert assign([[True, False], [True, False]]) == [0, None]
    assert assign([]) == []
    assert assign([[], []]) == [None, None]


@given(
    st.integers(0, 5).flatmap(lambda size: st.lists(st.lists(st.booleans(), min_size=size, max_size=size), max_size=5))
)
def test_as_many_rows_as_possible_are_served(fits: list[list[bool]]) -> None:
    """No assignment out of all serves more rows; no column is given twice, nor one that does not fit."""
    columns = assign(fits)
    served = [(row, column) for row, column in enumerate(columns) if column is not None]
    assert all(fits[row][column] for row, column in served)
    assert len({column for _, column in served}) == len(served)
    width = len(fits[0]) if fits else 0
    places = [*range(width), *[None] * len(fits)]
    best = max(
        sum(column is not None and fits[row][column] for row, column in enumerate(chosen))
        for chosen in permutations(places, len(fits))
    )
    assert len(served) == best
