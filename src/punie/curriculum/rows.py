"""Which rows a phase has: those whose labels have given values, or a number within a range."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from punie.data.schema import row_label
from punie.errors import DataError, UsageError

Label = str | int | bool
_SHOWN = 20


class Range(BaseModel):
    """Numbers from `at_least` on, and `below` a limit that is not one of them; None for no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at_least: Annotated[float, Field(allow_inf_nan=False)] | None = None
    below: Annotated[float, Field(allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if self.at_least is None and self.below is None:
            raise ValueError("a range says at_least, below or both")
        if self.at_least is not None and self.below is not None and self.at_least >= self.below:
            raise ValueError(f"no number is at least {self.at_least:g} and below {self.below:g}")
        return self

    def __contains__(self, value: Any) -> bool:
        low = self.at_least is None or value >= self.at_least
        return low and (self.below is None or value < self.below)

    def __str__(self) -> str:
        low = [] if self.at_least is None else [f"at least {self.at_least:g}"]
        return " and ".join([*low, *([] if self.below is None else [f"below {self.below:g}"])])


def _listed(value: Any) -> Any:
    """One value may stand for a list of one."""
    return (value,) if isinstance(value, Label) else value


def _kind(value: Any) -> str:
    return "range" if isinstance(value, Mapping | Range) else "labels"


_Labels = Annotated[tuple[Label, ...], BeforeValidator(_listed), Tag("labels")]
Wanted = Annotated[_Labels | Annotated[Range, Tag("range")], Discriminator(_kind)]
Where = dict[str, Wanted]
"""For each of these fields, of a row or of its `metadata`, what it must be. A row belongs if all of them hold."""

_WHERE = TypeAdapter(Where)


def parse_where(value: Any, where: str) -> Where:
    """From what a file says, which `where` names in errors. Raises UsageError."""
    try:
        return _WHERE.validate_python(value)
    except ValidationError as error:
        raise UsageError(
            "Rows are chosen by `field: values`, or by `field: {at_least: 2, below: 4}`.", where=where
        ) from error


def select_rows(where: Where | None, rows: Sequence[Mapping[str, Any]], who: str, place: str) -> list[int]:
    """The indices of the rows that belong, in their order; all of them without a condition.

    `who` says in errors for whom, `place` where the rows are. Raises DataError where one of the values, or a range,
    selects nothing.
    """
    labels = {field: [row_label(row, field) for row in rows] for field in where or {}}
    tests = {field: _belongs(wanted) for field, wanted in (where or {}).items()}
    chosen = [index for index in range(len(rows)) if all(tests[field](labels[field][index]) for field in tests)]
    for field, wanted in (where or {}).items():
        _require(field, wanted, labels[field], [labels[field][index] for index in chosen], who, place)
    if not chosen:
        raise DataError(f"{who} selects no rows.", where=place)
    return chosen


def found_in(rows: Sequence[Mapping[str, Any]], where: Where | None) -> dict[str, Any] | None:
    """What these rows have in the fields of a condition, in its terms: a range that holds, or the labels there are."""
    if where is None:
        return None
    return {field: _found([row_label(row, field) for row in rows], wanted) for field, wanted in where.items()}


def in_order(where: Where | None) -> dict[str, Any] | None:
    """A condition as `found_in` tells it of rows that meet it."""
    if where is None:
        return None
    return {
        field: wanted.model_dump() if isinstance(wanted, Range) else sorted(wanted, key=str)
        for field, wanted in where.items()
    }


def row_number(row: Mapping[str, Any], field: str) -> float | None:
    """What a row says about itself under this name, where it is a number."""
    value = row_label(row, field)
    return float(value) if _is_number(value) else None


def _found(labels: list[Any], wanted: Wanted) -> Any:
    if isinstance(wanted, Range) and all(map(_belongs(wanted), labels)):
        return wanted.model_dump()
    return sorted(set(labels), key=str)


def _belongs(wanted: Wanted) -> Callable[[Any], bool]:
    if isinstance(wanted, Range):
        return lambda label: _is_number(label) and label in wanted
    values = {_typed(value) for value in wanted}
    return lambda label: _typed(label) in values


def _require(field: str, wanted: Wanted, labels: list[Any], chosen: list[Any], who: str, place: str) -> None:
    """Every value, and every range, has a row of its own."""
    for value in (wanted,) if isinstance(wanted, Range) else wanted:
        matches = _belongs(wanted if isinstance(value, Range) else (value,))
        said = str(value) if isinstance(value, Range) else repr(value)
        if not any(map(matches, labels)):
            raise DataError(
                f"{who} selects no rows: there is no row with {field} {said}.",
                where=place,
                hint=_present(field, labels),
            )
        if not any(map(matches, chosen)):
            raise DataError(
                f"{who} selects no rows with {field} {said}: they do not meet its other conditions.", where=place
            )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _typed(label: Any) -> tuple[type, Any]:
    """For comparison: to Python, 1 is true. A label that is a list or an object equals nothing."""
    return type(label), label if isinstance(label, Label) else None


def _present(field: str, labels: Sequence[Any]) -> str:
    there = sorted({str(label) for label in labels if label is not None})
    more = f" and {len(there) - _SHOWN} more" if len(there) > _SHOWN else ""
    return f"There are {', '.join(there[:_SHOWN])}{more}." if there else f"No row has a field {field}."
