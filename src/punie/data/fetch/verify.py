"""`punie dataset verify`: keep the rows whose solution passes its tests, and say of every other which assert failed."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from punie.data.dataset import Manifest, Parent
from punie.data.ledger import Removal, row_hash
from punie.data.progress import Progress, unheard, watched
from punie.data.source import Source, SourceRow, open_source, read_lines, read_rows
from punie.data.writer import DatasetWriter
from punie.sandbox.jail import choose_execution
from punie.sandbox.judge import Execution
from punie.sandbox.program import CheckProgram, CheckResult, read_tests, run_tests

FAILED, UNTESTED = "test failed", "cannot be verified"
_WANTED = {FAILED: "every test passes", UNTESTED: "a solution and tests in Python"}
_BATCH_ROWS = 64
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Verification:
    """What was written, and how many checks were decided outside the candidate's process and within it."""

    manifest: Manifest
    outside: int
    in_process: int


@dataclass(frozen=True, slots=True)
class Exercise:
    """A solution, ready to be run, and its tests."""

    solution: str
    program: CheckProgram


@dataclass(frozen=True, slots=True)
class Judgement:
    """Why a row is removed, or "" where it is kept; the value the ledger keeps; and the checks that were made."""

    rule: str
    value: Any
    results: tuple[CheckResult, ...] = ()


def verify(path: Path, output: Path, *, unsafe_no_sandbox: bool = False, progress: Progress = unheard) -> Verification:
    """Run every row's solution against its tests; kept rows keep their bytes.

    Raises SandboxError where the code could not be jailed; DataError where no train row passes, or
    at a line that is not a JSON object.
    """
    execution = choose_execution(unsafe=unsafe_no_sandbox)
    source = open_source(path)
    total = sum(1 for split in source.splits.values() for _ in read_lines(split))
    done, checks = 0, Counter[bool]()
    with DatasetWriter(output, recipe={"command": "verify", "sandbox": execution}) as writer, _quiet():
        for row, judgement in watched(_judge_all(read_rows(source), execution), progress, "verifying", total):
            _settle(writer, row, judgement)
            done += 1
            checks.update(result.in_process for result in judgement.results)
        writer.rows_in, writer.parents = done, (_parent(source, done),)
    assert writer.manifest is not None
    return Verification(writer.manifest, outside=checks[False], in_process=checks[True])


@contextmanager
def _quiet() -> Generator[None]:
    """What the parser thinks of the style of a stranger's tests is of no interest."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def judge_row(row: Mapping[str, Any], execution: Execution = "jail") -> Judgement:
    """Run one row's solution against its tests."""
    try:
        exercise = read_exercise(row)
    except ValueError as error:
        return Judgement(UNTESTED, str(error))
    results = run_tests(exercise.solution, exercise.program, execution=execution).results
    failed = next((result for result in results if not result.passed), None)
    return Judgement("", None, results) if failed is None else Judgement(FAILED, _described(failed), results)


def read_exercise(row: Mapping[str, Any]) -> Exercise:
    """A row's solution and tests, at its top or in `metadata`. Raises ValueError with what is missing."""
    solution = _field(row, "solution") or row.get("completion")
    if not isinstance(solution, str) or not solution.strip():
        raise ValueError("there is no solution: neither solution nor completion is a text")
    tests, setup, entry_point = (_field(row, key) for key in ("tests", "setup", "entry_point"))
    tests = [tests] if isinstance(tests, str) else tests
    if not isinstance(tests, list) or not tests or not all(isinstance(test, str) for test in tests):
        raise ValueError("tests is not a list of assert lines or programs")
    program = read_tests(tests, entry_point if isinstance(entry_point, str) else None)
    return Exercise(f"{solution}\n\n{setup or ''}", program)


def _field(row: Mapping[str, Any], key: str) -> Any:
    metadata = row.get("metadata")
    return row[key] if key in row else metadata.get(key) if isinstance(metadata, Mapping) else None


def _described(failed: CheckResult) -> dict[str, str]:
    judged = "in-process check" if failed.in_process else "outside"
    return {"assert": failed.check.text[:_SHOWN], "result": failed.detail, "judged": judged}


def _judge_all(rows: Iterator[SourceRow], execution: Execution) -> Iterator[tuple[SourceRow, Judgement]]:
    """In the order of the rows, a child for each processor at a time."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while batch := list(islice(rows, _BATCH_ROWS)):
            yield from zip(batch, pool.map(lambda row: judge_row(row.row, execution), batch), strict=True)


def _settle(writer: DatasetWriter, row: SourceRow, judgement: Judgement) -> None:
    if not judgement.rule:
        writer.write(row.split, row.raw)
        return
    rule, digest = judgement.rule, row_hash(row.raw)
    writer.remove(Removal(str(row.path), row.number, digest, rule, judgement.value, _WANTED[rule]))


def _parent(source: Source, rows: int) -> Parent:
    return Parent(path=str(source.root), fingerprint=source.fingerprint(), rows=rows)
