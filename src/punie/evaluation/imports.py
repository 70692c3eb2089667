"""`punie suite import`: files of public benchmarks, or of chats, as a suite of our own form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from pydantic import ValidationError

from punie.data.fetch.importers.bfcl import answers_beside
from punie.data.fetch.importers.formats import read_shape
from punie.data.fetch.importers.records import Record, read_records
from punie.data.fetch.importers.row import CannotImport
from punie.errors import DataError, UsageError
from punie.evaluation.conversions import CaseOf, bfcl_case, chat_case, humaneval_case, mbpp_case, why_invalid
from punie.evaluation.suite import Case, Suite

_BFCL = "bfcl"
_CASES: dict[str, CaseOf] = {"chat": chat_case, "humaneval": humaneval_case, "mbpp": mbpp_case}
FORMATS = tuple(sorted([*_CASES, _BFCL]))
_MAX_TOKENS = 1024
_WITHOUT_CALL = "irrelevance"
"""In the name of the leaderboard's files whose questions are right without a call, and have no answers."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A record that is no case, and why."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    suite: Suite
    left_out: tuple[LeftOut, ...]


def import_suite(format: str, paths: Sequence[Path], name: str) -> Imported:
    """Every record of the files that can be a case. Raises DataError where there is none."""
    cases: dict[str, Case] = {}
    left_out: list[LeftOut] = []
    for path in paths:
        convert = _converter(format, path)
        for record in read_records(path):
            try:
                case = _new(_read(record, convert), cases)
            except CannotImport as error:
                left_out.append(LeftOut(f"{path}:{record.line}", str(error)))
            else:
                cases[case.id] = case
    if not cases:
        first = f" The first: {left_out[0].reason}." if left_out else ""
        raise DataError(f"No record of {format} is in these files.{first}", where=str(paths[0]))
    files = ", ".join(path.name for path in paths)
    about = f"Imported from {files} ({format})."
    suite = Suite(name=name, description=about, max_tokens=_MAX_TOKENS, cases=tuple(cases.values()))
    return Imported(suite, tuple(left_out))


def weaknesses(suite: Suite) -> Iterator[str]:
    """What the judgement of these cases cannot tell, in sentences."""
    kinds = [case.expect.kind for case in suite.cases]
    silent = sum(case.expect.kind == "calls" and not case.expect.calls for case in suite.cases)
    if silent:
        yield f"{silent} cases are right when no tool is called; what is said instead is not judged."
    if texts := kinds.count("text"):
        yield f"{texts} cases are right only when the final answer is the reference's, word for word."
    if judged := kinds.count("judge"):
        yield f"{judged} cases are judged by another model against the reference: a weak judgement."


def _converter(format: str, path: Path) -> CaseOf:
    if format == _BFCL:
        return bfcl_case({} if _WITHOUT_CALL in path.name else answers_beside(path))
    if format not in _CASES:
        close = get_close_matches(format, FORMATS, 1)
        meant = f"Did you mean {close[0]}? " if close else ""
        raise UsageError(f"There is no format called {format!r}.", hint=f"{meant}Known: {', '.join(FORMATS)}.")
    return _CASES[format]


def _read(record: Record, convert: CaseOf) -> Case:
    try:
        return read_shape(record, convert)
    except ValidationError as error:
        raise CannotImport(why_invalid(error)) from error


def _new(case: Case, cases: dict[str, Case]) -> Case:
    if case.id in cases:
        raise CannotImport(f"there is a case {case.id!r} already")
    return case
