"""How the rows of a run are shared out among steps, and what is computed of a step. Pure numpy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Any, Protocol

import numpy as np

from punie.curriculum.epochs import Epochs
from punie.data.cuts import width
from punie.training.batches import Group, TokenRow, clipped, make_group, make_groups, make_packs, make_stream, slices
from punie.training.knobs import Packing
from punie.training.order import affordable, budget_order, budget_steps, counted_order, full_blocks, like_length_order
from punie.training.plan import TrainingPlan

_ENDLESS = 1 << 62


class Batching(Protocol):
    """One way to do it. The order is known before anything is computed, so several machines can share a step's rows."""

    @property
    def row_limit(self) -> int:
        """Tokens of a row that can be learned from."""

    def values(self) -> dict[str, Any]:
        """The plan's fields that are in force here."""

    @property
    def least(self) -> int:
        """Rows that there must be to choose a step from."""

    def order(self, rows: Sequence[TokenRow], epochs: Epochs, seed: int, first: int = 0) -> Iterator[list[int]]:
        """Endless steps of indices of `rows`, as the epochs bring them, from step `first` on."""

    def step(self, rows: Sequence[TokenRow], drawn: Sequence[int]) -> list[int]:
        """The first of the rows that were drawn for a step, as many as it has."""

    def groups(self, rows: Sequence[TokenRow]) -> list[Group]:
        """What is computed of the rows of a step; each row is in one group."""

    def validation(self, rows: Sequence[TokenRow], batches: int) -> Iterator[Group]:
        """What is computed of the first `batches` batches of these rows, or of all with -1: always the same."""


@dataclass(frozen=True, slots=True)
class RowsPerStep:
    """The same number of rows in every step."""

    batch_size: int
    max_seq_length: int
    packing: Packing = False

    @property
    def least(self) -> int:
        return self.batch_size

    @property
    def row_limit(self) -> int:
        return _row_limit(self)

    def values(self) -> dict[str, Any]:
        return _values(self, batch_size=self.batch_size, batch_tokens=None)

    def order(self, rows: Sequence[TokenRow], epochs: Epochs, seed: int, first: int = 0) -> Iterator[list[int]]:
        return counted_order(epochs, self.batch_size, first)

    def step(self, rows: Sequence[TokenRow], drawn: Sequence[int]) -> list[int]:
        return list(drawn[: self.batch_size])

    def groups(self, rows: Sequence[TokenRow]) -> list[Group]:
        if self.packing == "stream":
            return [make_stream(rows, self.max_seq_length)]
        return (make_packs if self.packing else make_groups)(rows, self.max_seq_length)

    def validation(self, rows: Sequence[TokenRow], batches: int) -> Iterator[Group]:
        chosen = rows if batches == -1 else rows[: batches * self.batch_size]
        if self.packing != "stream":
            chosen = _by_length(chosen)
        for batch in slices(chosen, len(chosen) if self.packing is True else self.batch_size):
            yield from self.groups(batch)


@dataclass(frozen=True, slots=True)
class TokensPerStep:
    """Rows of like length that fill a constant number of padded tokens: one group a step, as many shapes as widths.

    In packs, and in a fixed order, like lengths cannot be chosen. There every row costs what it needs alone, its
    tokens or its padded width, and a step has as many of the next rows as the budget pays.
    """

    batch_tokens: int
    max_seq_length: int
    packing: Packing = False

    @property
    def least(self) -> int:
        return 1

    @property
    def row_limit(self) -> int:
        return _row_limit(self)

    def values(self) -> dict[str, Any]:
        return _values(self, batch_size=None, batch_tokens=self.batch_tokens)

    def order(self, rows: Sequence[TokenRow], epochs: Epochs, seed: int, first: int = 0) -> Iterator[list[int]]:
        if self.packing or epochs.fixed:
            steps = budget_order(self._costs(rows), self.batch_tokens, epochs)
        else:
            steps = like_length_order(self._costs(rows), self.batch_tokens, epochs, seed)
        return islice(steps, first, None)

    def step(self, rows: Sequence[TokenRow], drawn: Sequence[int]) -> list[int]:
        costs = self._costs([rows[index] for index in drawn])
        return [drawn[place] for place in affordable(range(len(drawn)), costs, self.batch_tokens)]

    def groups(self, rows: Sequence[TokenRow]) -> list[Group]:
        if self.packing == "stream":
            return [make_stream(rows, self.max_seq_length)]
        if self.packing:
            return make_packs(rows, self.max_seq_length)
        in_one = len(rows) * max(self._widths(rows)) <= self.batch_tokens
        return [make_group(rows, self.max_seq_length)] if in_one else make_groups(rows, self.max_seq_length)

    def validation(self, rows: Sequence[TokenRow], batches: int) -> Iterator[Group]:
        inside = sum(spent <= batches * self.batch_tokens for spent in accumulate(self._costs(rows)))
        chosen = rows if batches == -1 else rows[: max(1, inside)]
        if self.packing == "stream":
            for step in budget_steps(self._costs(chosen), self.batch_tokens, range(len(chosen))):
                yield from self.groups([chosen[index] for index in step])
            return
        chosen = _by_length(chosen)
        if self.packing:
            yield from self.groups(chosen)
            return
        blocks, left = full_blocks(np.arange(len(chosen)), np.asarray(self._widths(chosen)), self.batch_tokens)
        for block in filter(None, (*blocks, left.tolist())):
            yield make_group([chosen[index] for index in block], self.max_seq_length)

    def _costs(self, rows: Sequence[TokenRow]) -> list[int]:
        """Of the batch's tokens, what each row takes alone."""
        return clipped(rows, self.row_limit) if self.packing else self._widths(rows)

    def _widths(self, rows: Sequence[TokenRow]) -> list[int]:
        return [width(length, self.max_seq_length) for length in clipped(rows, self.max_seq_length)]


def batching(plan: TrainingPlan) -> RowsPerStep | TokensPerStep:
    if plan.batch_tokens is None:
        return RowsPerStep(plan.batch_size, plan.max_seq_length, plan.packing)
    return TokensPerStep(plan.batch_tokens, plan.max_seq_length, plan.packing)


def _row_limit(batching: RowsPerStep | TokensPerStep) -> int:
    """A stream has room for the whole of any row."""
    return _ENDLESS if batching.packing == "stream" else batching.max_seq_length


def _values(batching: RowsPerStep | TokensPerStep, **budget: int | None) -> dict[str, Any]:
    return {**budget, "packing": batching.packing, "max_seq_length": batching.max_seq_length}


def _by_length(rows: Sequence[TokenRow]) -> list[TokenRow]:
    return sorted(rows, key=lambda row: len(row.tokens))
