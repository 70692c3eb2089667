"""Measures of how hard a row is: what each is called, what it was made with, and what it says of one row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from punie.data.source import SourceRow


@dataclass(frozen=True, slots=True)
class Unscored:
    """Why a row has no figure: one of few reasons, so that rows can be counted by it, and what there is to add."""

    reason: str
    detail: str = ""


Figure = float | Unscored


@dataclass(frozen=True, slots=True)
class Measure:
    """`made_with` names tools with their versions, and whatever else decides about the figures."""

    name: str
    made_with: Mapping[str, str]
    figure: Callable[[SourceRow], Figure]

    @property
    def field(self) -> str:
        """Where a row's metadata keeps the figure."""
        return self.name.removeprefix("field:")
