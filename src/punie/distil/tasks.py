"""What a teacher is asked: a suite's cases, or rows with a prompt and tests; a folder of such files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from punie.data.compare.items import item_of
from punie.data.ledger import LEDGER, SUSPECTS
from punie.errors import DataError, UsageError
from punie.evaluation.conversions import why_invalid
from punie.evaluation.suite import JSONL_SUFFIX, YAML_SUFFIXES, Case, load_suite
from punie.files import read_jsonl

_SUFFIXES = (*YAML_SUFFIXES, JSONL_SUFFIX)
_KINDS = ("calls", "code", "number", "text", "choice")
"""What can be verified without another model. A keyword is too little to teach from."""


@dataclass(frozen=True, slots=True)
class Task:
    """A case, and the file and number (from 1) it has there."""

    case: Case
    file: str
    number: int


def read_tasks(path: Path) -> tuple[Task, ...]:
    """All tasks of a file, or of the files in a folder. A name that is no path is that of a built-in suite.

    Raises UsageError where there is none, where two have the same id, or where one cannot be verified from one answer.
    """
    files = _files(path) if path.is_dir() else [path]
    tasks = tuple(Task(case, str(file), number) for file in files for number, case in _cases(file))
    seen: set[str] = set()
    for task in tasks:
        if task.case.id in seen:
            raise UsageError(f"Two tasks have the id {task.case.id!r}.", where=task.file)
        seen.add(task.case.id)
        _require_verifiable(task)
    return tasks


def _files(folder: Path) -> list[Path]:
    """Of a dataset folder train alone: the other splits are never taught."""
    if (folder / "train.jsonl").is_file():
        return [folder / "train.jsonl"]
    found = [file for file in folder.iterdir() if file.suffix in _SUFFIXES and file.name not in (LEDGER, SUSPECTS)]
    if not found:
        raise UsageError("There is no .jsonl and no .yaml here.", where=str(folder))
    return sorted(found)


def _cases(file: Path) -> Iterator[tuple[int, Case]]:
    if file.suffix == JSONL_SUFFIX and (rows := list(read_jsonl(file))) and _is_row(rows[0][1]):
        yield from ((number, _case_of(row, f"{file}:{number}")) for number, row in rows)
    else:
        yield from enumerate(load_suite(str(file)).cases, start=1)


def _is_row(row: Mapping[str, Any]) -> bool:
    return "expect" not in row and ("tests" in row or "tests" in (row.get("metadata") or {}))


def _case_of(row: Mapping[str, Any], where: str) -> Case:
    """A row with a prompt or a question in messages, tests as Python, and what else it says of itself."""
    about = {**(row.get("metadata") or {}), **row}
    tests = [about["tests"]] if isinstance(about["tests"], str) else about["tests"]
    prompt = [{"role": "user", "content": about["prompt"]}] if "prompt" in about else []
    written = {
        "id": str(about.get("id", about.get("task_id", where))),
        "category": str(about.get("category", "code")),
        "messages": [turn for turn in about.get("messages") or prompt if turn.get("role") != "assistant"],
        "expect": {
            "kind": "code",
            "entry_point": item_of({**about, "tests": tests}, where).entry_point,
            "asserts": tests,
            "preamble": about.get("setup") or "",
            "solution": about.get("solution") or about.get("completion") or "",
        },
    }
    try:
        return Case.model_validate(written)
    except ValidationError as error:
        raise DataError(f"Not a task: {why_invalid(error)}.", where=where) from error


def _require_verifiable(task: Task) -> None:
    case = task.case
    if case.turns or case.expect.kind not in _KINDS:
        why = "has several turns" if case.turns else f"is judged by {case.expect.kind}"
        raise UsageError(f"Task {case.id!r} {why}, so one answer cannot be verified.", where=task.file)
    if case.expect.kind == "code" and not case.expect.entry_point:
        hint = "Give entry_point, or tests that begin with a call."
        raise UsageError(f"Task {case.id!r} does not say which function is asked for.", where=task.file, hint=hint)
