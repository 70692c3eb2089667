"""How far an unfinished evaluation is, from what it has written down; nothing of it is touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from punie.errors import DataError
from punie.evaluation.outcomes import Outcome
from punie.evaluation.runs import SAMPLES, STARTED
from punie.files import open_input, read_json

_BEFORE, _AFTER = ".", ".partial"


class _Case(msgspec.Struct):
    category: str


class _Answer(msgspec.Struct):
    completion_tokens: int


class _Judged(msgspec.Struct):
    """What is needed of a line of samples.jsonl."""

    case: _Case
    outcome: Outcome
    value: float | None
    answer: _Answer | None


_DECODER = msgspec.json.Decoder(_Judged)


@dataclass(frozen=True, slots=True)
class Underway:
    """`right` and `counted` are by category; `total` is 0 where the record does not tell."""

    name: str
    suites: tuple[str, ...]
    answered: int
    total: int
    right: dict[str, int]
    counted: dict[str, int]
    tokens: int
    seconds: float
    """Of asking, over all starts that were not killed; of the present one up to its last answer."""

    @property
    def seconds_left(self) -> float | None:
        """At the speed so far; None where that cannot be told."""
        if not self.answered or not self.total or self.seconds <= 0:
            return None
        return (self.total - self.answered) * self.seconds / self.answered

    @property
    def tokens_per_second(self) -> float | None:
        return self.tokens / self.seconds if self.seconds > 0 else None


def unfinished_name(folder: Path) -> str | None:
    """What the evaluation in this folder will be called once it is finished; None for any other folder."""
    name = folder.name
    if not (name.startswith(_BEFORE) and name.endswith(_AFTER) and (folder / STARTED).is_file()):
        return None
    return name.removeprefix(_BEFORE).removesuffix(_AFTER)


def read_underway(folder: Path) -> Underway:
    """The state of a folder that `unfinished_name` knows. Raises UsageError and DataError where a file is broken."""
    started, samples = folder / STARTED, folder / SAMPLES
    note, judged = read_json(started), list(_judged(samples))
    present = max(0.0, samples.stat().st_mtime - started.stat().st_mtime)
    return Underway(
        name=unfinished_name(folder) or folder.name,
        suites=tuple(_suites(note, started)),
        answered=len(judged),
        total=int(note.get("trials", 0)),
        right=Counter(one.case.category for one in judged if one.value == 1.0 and one.outcome is Outcome.SCORED),
        counted=Counter(one.case.category for one in judged if one.outcome is not Outcome.UNSCORED),
        tokens=sum(one.answer.completion_tokens for one in judged if one.answer),
        seconds=note.get("seconds", 0.0) + present,
    )


def _suites(note: dict[str, Any], where: Path) -> Iterator[str]:
    try:
        for name, _, _ in note["conditions"].get("suites", ()):
            yield str(name)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError("Not the beginning of an evaluation.", where=str(where)) from error


def _judged(samples: Path) -> Iterator[_Judged]:
    """Every whole line; the last one may still be written."""
    with open_input(samples) as file:
        *lines, _ = file.read().split(b"\n")
    for number, line in enumerate(lines, start=1):
        try:
            yield _DECODER.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DataError(f"Not a judged answer: {error}.", where=f"{samples}:{number}") from error
