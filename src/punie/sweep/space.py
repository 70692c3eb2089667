"""The settings of a sweep: every combination of the values of its fields, or some that are drawn.

A draw depends on the seed, the field and the number of the setting alone. So a setting stays what it is when a field is
added, the order of fields is changed, or more settings are asked for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from punie.files import hash_value

_DIGITS = 3
"""Of a drawn number that is not a whole one: as many as can be read, and written again by hand."""
_TRIES = 100
"""Draws for each setting that is asked for, before the space is taken to hold no more of them."""


class Range(BaseModel):
    """All numbers from `low` to `high`; whole ones where both ends are. `steps` of them, evenly, make up a grid."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: int | float
    high: int | float
    scale: Literal["linear", "log"] = "linear"
    steps: Annotated[int, Field(ge=2)] | None = None

    @model_validator(mode="after")
    def _holds_numbers(self) -> Self:
        if not self.low < self.high < math.inf:
            raise ValueError("high is not above low")
        if self.scale == "log" and self.low <= 0:
            raise ValueError("on a log scale low must be above 0")
        return self

    def at(self, share: float) -> int | float:
        """The number so far along the way from `low` to `high`, 0..1."""
        if self.scale == "log":
            value = self.low * (self.high / self.low) ** share
        else:
            value = self.low + (self.high - self.low) * share
        if isinstance(self.low, int) and isinstance(self.high, int):
            return round(value)
        return min(max(float(f"{value:.{_DIGITS}g}"), float(self.low)), float(self.high))

    def listed(self) -> tuple[int | float, ...]:
        """The numbers that a grid takes, none of them twice."""
        assert self.steps is not None, "whoever makes a grid has asked for steps"
        return tuple(dict.fromkeys(self.at(step / (self.steps - 1)) for step in range(self.steps)))


def _as_list(value: Any) -> Any:
    """A single value is a field that is the same in every setting."""
    return value if isinstance(value, list | tuple | Mapping | Range) else [value]


Values = Annotated[tuple[Any, ...], Field(min_length=1)]
Dimension = Annotated[Range | Values, BeforeValidator(_as_list)]
Space = dict[str, Dimension]


@dataclass(frozen=True, slots=True)
class Setting:
    """One value for each field of training and of asking; `number` counts the settings of a sweep from 1."""

    number: int
    train: Mapping[str, Any]
    sampling: Mapping[str, Any]


def varied(space: Space) -> tuple[str, ...]:
    """The fields that have more than one value."""
    return tuple(field for field, values in space.items() if isinstance(values, Range) or len(values) > 1)


def grid(train: Space, sampling: Space) -> list[Setting]:
    """Every combination; the last field changes fastest. Its ranges have `steps`."""
    dimensions = [*train.values(), *sampling.values()]
    listed = [values.listed() if isinstance(values, Range) else values for values in dimensions]
    return _numbered(product(*listed), train, sampling)


def drawn(train: Space, sampling: Space, count: int, seed: int) -> list[Setting]:
    """So many different settings, or as many as there are."""
    fields = [*(("train", *item) for item in train.items()), *(("sampling", *item) for item in sampling.items())]
    found: dict[str, tuple[Any, ...]] = {}
    for number in range(count * _TRIES):
        values = tuple(_draw(values, f"{seed}/{part}/{field}/{number}") for part, field, values in fields)
        found.setdefault(hash_value(values), values)
        if len(found) == count:
            break
    return _numbered(found.values(), train, sampling)


def _draw(values: Range | Sequence[Any], seed: str) -> Any:
    """By `random()` of the seed alone, whose sequence every later Python keeps."""
    share = Random(seed).random()
    return values.at(share) if isinstance(values, Range) else values[int(share * len(values))]


def _numbered(combinations: Iterator[tuple[Any, ...]] | Any, train: Space, sampling: Space) -> list[Setting]:
    return [
        Setting(number, dict(zip(train, values, strict=False)), dict(zip(sampling, values[len(train) :], strict=True)))
        for number, values in enumerate(combinations, start=1)
    ]
