"""`dataset.json`: what a dataset folder says about itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from punie.errors import DataError
from punie.files import read_json

MANIFEST = "dataset.json"


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


def read_manifest(folder: Path) -> Manifest:
    """Raises UsageError where there is none, DataError with the key at fault where it is broken."""
    path = folder / MANIFEST
    try:
        return Manifest.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = f"{path}, key {'.'.join(map(str, first['loc']))}"
        raise DataError(f"Not a dataset.json this version can read: {first['msg']}.", where=place) from error
