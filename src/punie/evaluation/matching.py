"""Which of the wanted things each given thing can stand for, so that as many as possible are met."""

from __future__ import annotations

from collections.abc import Sequence


def assign(fits: Sequence[Sequence[bool]]) -> list[int | None]:
    """For each row the column it gets, no column twice, as many rows as can be served (augmenting paths, Kuhn 1955).

    Taking the first column that fits would not do: a row that fits two may take the only one another row has.
    """
    holder: dict[int, int] = {}

    def serve(row: int, tried: set[int]) -> bool:
        for column, fit in enumerate(fits[row]):
            if fit and column not in tried:
                tried.add(column)
                if column not in holder or serve(holder[column], tried):
                    holder[column] = row
                    return True
        return False

    for row in range(len(fits)):
        serve(row, set())
    columns = {row: column for column, row in holder.items()}
    return [columns.get(row) for row in range(len(fits))]
