"""What a stage shows, as a value: the rows of some phases, perhaps earlier ones again, perhaps only the easiest yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from punie.curriculum.pace import Name
from punie.curriculum.rows import Where, found_in, in_order, row_number, select_rows
from punie.errors import DataError

Rows = Sequence[Mapping[str, Any]]
Share = Annotated[float, Field(gt=0, lt=1)]
FieldName = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hardest(_Strict):
    """The share of the rows with the highest numbers in field `by`, rounded up to a row."""

    share: Share
    by: FieldName


class Part(_Strict):
    """The rows of one phase, or the hardest of them."""

    phase: Name
    where: Where | None = None
    hardest: Hardest | None = None


class Replay(_Strict):
    """Rows that are shown again: the share `share` of all that is shown."""

    share: Share
    parts: Annotated[tuple[Part, ...], Field(min_length=1)]


class Growth(_Strict):
    """The rows in order of the number in field `by`, of which a growing share is drawn from (`epochs.Growing`)."""

    by: FieldName
    start: Share = 0.01
    power: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 2.0
    full_after: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the stage after which all rows are drawn from."""


class Thresholds(_Strict):
    """Validation losses, in nats, at which the next phase comes, or the one before."""

    advance_below: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    back_above: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """None never goes back."""
    window: Annotated[int, Field(ge=1)] = 1
    """Validations whose mean decides, all of them since the last move."""

    @model_validator(mode="after")
    def _leave_room_to_stay(self) -> Self:
        if self.back_above is not None and self.back_above <= self.advance_below:
            raise ValueError("back_above is not above advance_below, so that every loss would move the run")
        return self


class Ladder(Thresholds):
    """One part at a time, for as long as the validation loss on its own rows says."""

    replay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of what is shown that comes from the parts before the current one."""


class Mix(_Strict):
    """What a stage shows."""

    parts: Annotated[tuple[Part, ...], Field(min_length=1)]
    replay: Replay | None = None
    growth: Growth | None = None
    ladder: Ladder | None = None

    @model_validator(mode="after")
    def _shows_in_one_way(self) -> Self:
        if sum(way is not None for way in (self.replay, self.growth, self.ladder)) > 1:
            raise ValueError("a mix has one of replay, growth and ladder")
        return self

    def told(self) -> dict[str, Any]:
        """As `FoundMix.told` tells it of rows that were selected by it."""
        return _told(self, [in_order(part.where) for part in self.parts], [in_order(p.where) for p in self._again])

    @property
    def _again(self) -> tuple[Part, ...]:
        return () if self.replay is None else self.replay.parts


@dataclass(frozen=True, slots=True)
class FoundPart:
    """The indices of the rows of a part, and what was found in the fields that it selects by."""

    phase: str
    rows: Sequence[int]
    labels: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class FoundMix:
    """A mix with its rows."""

    mix: Mix
    parts: Sequence[FoundPart]
    again: Sequence[FoundPart]
    numbers: Sequence[float] = ()
    """How hard each row of `new` is, where that decides when it is shown."""

    @property
    def new(self) -> list[int]:
        """Each row once, in the order of the file."""
        return union(self.parts)

    @property
    def old(self) -> list[int]:
        """Those that are replayed."""
        return union(self.again)

    @property
    def pass_size(self) -> float:
        """How many rows are shown until each new one was, replayed ones counted."""
        return len(self.new) / (1 - (self.mix.replay.share if self.mix.replay else 0))

    def phases(self) -> Iterator[tuple[int, str]]:
        """Each row with the phase that has it."""
        for part in (*self.parts, *self.again):
            yield from ((row, part.phase) for row in part.rows)

    def told(self) -> dict[str, Any]:
        """What the rows themselves say, in JSON's values."""
        return _told(self.mix, [part.labels for part in self.parts], [part.labels for part in self.again])


def find_mix(mix: Mix, rows: Rows, place: str) -> FoundMix:
    """Select the rows. Raises DataError for a phase without any, and for a row without the number that is asked for."""
    again = () if mix.replay is None else mix.replay.parts
    found = FoundMix(
        mix, [_find(part, rows, place) for part in mix.parts], [_find(part, rows, place) for part in again]
    )
    if mix.growth is None:
        return found
    return replace(found, numbers=_numbers(rows, found.new, mix.growth.by, place))


def _numbers(rows: Rows, indices: Sequence[int], field: str, place: str) -> list[float]:
    numbers = [row_number(rows[index], field) for index in indices]
    if missing := numbers.count(None):
        raise DataError(
            f"{missing:,} of {len(numbers):,} rows have no number in field {field}, which orders them.",
            where=place,
            hint="Give every row the label, or name another field.",
        )
    return [number for number in numbers if number is not None]


def _find(part: Part, rows: Rows, place: str) -> FoundPart:
    chosen = select_rows(part.where, rows, f"Phase {part.phase}", place)
    labels = found_in([rows[index] for index in chosen], part.where)
    if part.hardest is not None:
        numbers = _numbers(rows, chosen, part.hardest.by, place)
        hard_first = sorted(range(len(chosen)), key=lambda position: -numbers[position])
        kept = hard_first[: ceil(round(part.hardest.share * len(chosen), 9))]
        chosen = sorted(chosen[position] for position in kept)
    return FoundPart(part.phase, chosen, labels)


def union(parts: Sequence[FoundPart]) -> list[int]:
    """Each row once, in the order of the file."""
    return sorted({row for part in parts for row in part.rows})


def _told(mix: Mix, new: Sequence[Any], old: Sequence[Any]) -> dict[str, Any]:
    replay = mix.replay and {"share": mix.replay.share, "parts": _told_parts(mix.replay.parts, old)}
    growth, ladder = mix.growth and mix.growth.model_dump(), mix.ladder and mix.ladder.model_dump()
    return {"parts": _told_parts(mix.parts, new), "replay": replay, "growth": growth, "ladder": ladder}


def _told_parts(parts: Sequence[Part], labels: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {"phase": part.phase, "where": found, "hardest": part.hardest and part.hardest.model_dump()}
        for part, found in zip(parts, labels, strict=True)
    ]
