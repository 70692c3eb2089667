"""A dataset folder as it is read: `train.jsonl`, `valid.jsonl`, `test.jsonl` and `dataset.json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from punie.data.schema import row_problem, row_shape
from punie.data.source import SPLITS
from punie.errors import DataError, UsageError
from punie.files import read_json, read_jsonl

MANIFEST = "dataset.json"
_SHOWN = 10

Row = Mapping[str, Any]


class Parent(BaseModel):
    """A dataset that another one was made from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    fingerprint: str
    rows: int


class Manifest(BaseModel):
    """`dataset.json`: where the rows come from and what they hash to. `counts` are kept rows, `removed` is by rule."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    name: str
    parents: tuple[Parent, ...] = ()
    recipe: dict[str, Any]
    counts: dict[str, int]
    removed: dict[str, int] = {}
    hashes: dict[str, str]
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One row that cannot be taught from; `where` is file:line."""

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Validation:
    """Rows by split and by shape, and every problem found."""

    counts: Mapping[str, int]
    shapes: Mapping[str, int]
    problems: tuple[Problem, ...]

    def require_sound(self) -> None:
        """Raises DataError with the first problems."""
        if self.problems:
            shown = [f"{problem.where}: {problem.why}" for problem in self.problems[:_SHOWN]]
            more = len(self.problems) - len(shown)
            lines = [*shown, *([f"... and {more} more"] if more else [])]
            raise DataError(f"Rows that cannot be taught from: {len(self.problems)}.", hint="\n".join(lines))


def read_manifest(folder: Path) -> Manifest:
    """Raises UsageError where there is none, DataError with the key at fault where it is broken."""
    path = folder / MANIFEST
    try:
        return Manifest.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = f"{path}, key {'.'.join(map(str, first['loc']))}"
        raise DataError(f"Not a dataset.json this version can read: {first['msg']}.", where=place) from error


def validate_dataset(folder: Path) -> Validation:
    """Look at every row of every split.

    Raises UsageError where there is no train split; DataError where it is empty, or at a line that is not JSON.
    """
    if not (folder / "train.jsonl").is_file():
        raise UsageError("There is no train.jsonl here.", where=str(folder), hint="Give a dataset folder.")
    counts, shapes, problems = Counter[str](), Counter[str](), list[Problem]()
    first = dict[str, str]()
    for split, where, row in _rows(folder):
        counts[split] += 1
        why = row_problem(row) or _shape_problem(row, first.setdefault(split, _plain_shape(row)))
        if why is None:
            shapes[row_shape(row)] += 1
        else:
            problems.append(Problem(where, why))
    if not counts["train"]:
        raise DataError("The train split is empty.", where=str(folder / "train.jsonl"))
    return Validation(dict(counts), dict(shapes), tuple(problems))


def _plain_shape(row: Row) -> str:
    return row_shape(row).removesuffix(" with tools")


def _shape_problem(row: Row, first: str) -> str | None:
    """mlx-lm reads a whole file in the shape of its first row."""
    shape = _plain_shape(row)
    return None if shape == first else f"is a {shape} row in a file that begins with a {first} row"


def _rows(folder: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for split in SPLITS:
        path = folder / f"{split}.jsonl"
        if path.is_file():
            yield from ((split, f"{path}:{number}", row) for number, row in read_jsonl(path))
