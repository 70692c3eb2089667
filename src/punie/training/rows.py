"""Rows as mlx-lm learns from them, read and checked before anything heavy is loaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from punie.data.schema import row_problem, row_shape
from punie.errors import DataError, UsageError
from punie.files import hash_files, open_input, read_jsonl


@dataclass(frozen=True, slots=True)
class Split:
    """The rows of one file, all of one shape: "chat", "completion" or "text". An absent file has no rows."""

    path: Path
    shape: str
    rows: tuple[dict[str, Any], ...]

    def place(self, index: int) -> str:
        return f"{self.path}:{index + 1}"


@dataclass(frozen=True, slots=True)
class TeachingRows:
    """What a data folder gives to a training run."""

    train: Split
    valid: Split

    @property
    def hash(self) -> str:
        files = [split.path for split in (self.train, self.valid) if split.path.is_file()]
        return f"sha256:{hash_files(files)}"


def training_file(folder: str) -> Path:
    """The rows to learn from. Raises UsageError where the folder has none."""
    path = Path(folder).expanduser().resolve() / "train.jsonl"
    if not path.is_file():
        raise UsageError(
            "There is no train.jsonl here.", where=str(path.parent), hint="Give a folder that holds train.jsonl."
        )
    return path


def count_rows(path: Path) -> int:
    """Rows of a file, a line each. Raises DataError where there are none."""
    with open_input(path) as lines:
        count = sum(1 for _ in lines)
    if not count:
        raise DataError("There are no rows to learn from.", where=str(path), hint="Add rows.")
    return count


def read_teaching_rows(folder: Path, batch_size: int) -> TeachingRows:
    """Raises DataError at the first row that mlx-lm could not learn from, and where there are too few."""
    train, valid = read_split(folder / "train.jsonl"), read_split(folder / "valid.jsonl")
    require_batch(len(train.rows), batch_size, train.path)
    return TeachingRows(train, valid)


def require_batch(rows: int, batch_size: int, path: Path) -> None:
    """Raises DataError where a step would learn from the same row twice."""
    if rows < batch_size:
        count = f"{rows} training rows, fewer than the {batch_size} of one batch" if rows else "no training rows"
        raise DataError(
            f"There are {count}.",
            where=str(path),
            hint=f"Use a batch size of at most {rows}, or add rows." if rows else "Add rows.",
        )


def name_rows(indices: Iterable[int], shown: int = 8) -> str:
    """ "row 3" or "rows 3, 4, 9 and 5 more", counted from 1."""
    numbers = [str(index + 1) for index in indices]
    more = f" and {len(numbers) - shown} more" if len(numbers) > shown else ""
    return f"row{'s' if len(numbers) > 1 else ''} {', '.join(numbers[:shown])}{more}"


def read_split(path: Path) -> Split:
    """Raises DataError at the first row that cannot be taught from, and where rows are of several shapes."""
    if not path.is_file():
        return Split(path, "text", ())
    rows = tuple(row for _, row in read_jsonl(path))
    shapes = [_shape(row, f"{path}:{number}") for number, row in enumerate(rows, start=1)]
    for number, shape in enumerate(shapes, start=1):
        if shape != shapes[0]:
            raise DataError(
                f"A {shape} row among {shapes[0]} rows.",
                where=f"{path}:{number}",
                hint="All rows of a file must have the shape of its first row.",
            )
    return Split(path, shapes[0] if shapes else "text", rows)


def _shape(row: dict[str, Any], where: str) -> str:
    if (problem := row_problem(row)) is not None:
        raise DataError(f"This row cannot be taught from: {problem}.", where=where)
    return row_shape(row)
