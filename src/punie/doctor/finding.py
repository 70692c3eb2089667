"""One judged line: what was found, how bad it is, and the cure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """It works, but slowly, or not for long, or not all of it."""
    PROBLEM = "problem"
    """Something Punie is for cannot be done here."""


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    message: str
    cure: str = ""


def ok(message: str) -> Finding:
    return Finding(Level.OK, message)


def warning(message: str, cure: str) -> Finding:
    return Finding(Level.WARNING, message, cure)


def problem(message: str, cure: str) -> Finding:
    return Finding(Level.PROBLEM, message, cure)
