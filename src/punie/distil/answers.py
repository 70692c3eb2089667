"""The file of answers: everything that was asked of a teacher and what came, in lines that are only ever added.

An answer that is there is never asked for again, by whichever command. A line stands before each request and after
each question, so what the file has cost is known even after kill -9: a question without an end was under way, may have
been paid for, and counts with the most it can have cost.

    {"asked": KEY, "most": {"prompt": n, "answer": n}}
    {"sent": n}
    {"answered": KEY, "task": ID, "sample": n, "by": MODEL, "answer": {...}, "tokens": {"prompt": n, "answer": n}}
    {"failed": KEY, "why": TEXT, "paid": BOOL}
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from punie.data.ledger import row_hash
from punie.distil.budget import Tokens
from punie.errors import DataError
from punie.evaluation.outcomes import Answer
from punie.files import append_jsonl, make_folder, open_to_append, whole_lines


@dataclass(frozen=True, slots=True)
class Received:
    """An answer, which model gave it, and its place in the file."""

    answer: Answer
    by: str
    line: int
    hash: str


class AnswerFile:
    """Use as a context manager. `requests` and `spent` are those of all commands so far.

    Raises UsageError where another process writes the file, DataError where it holds something else.
    """

    def __init__(self, path: Path) -> None:
        make_folder(path.parent)
        self.path = path
        self.received: dict[str, Received] = {}
        self.requests = 0
        self.spent = Tokens()
        self._open: dict[str, Tokens] = {}
        self._lines = 0
        self._file = open_to_append(path)
        try:
            for where, row in whole_lines(self._file):
                self._replay(row, where)
        except BaseException:
            self._file.close()
            raise
        self.unsettled = len(self._open)
        """How many questions were under way when an earlier command was killed."""
        self.spent = sum(self._open.values(), self.spent)
        self._open.clear()

    def __enter__(self) -> AnswerFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # On a full disk it fails once more; that was told when it first did.
            self._file.close()

    def ask(self, key: str, most: Tokens) -> None:
        self._append({"asked": key, "most": asdict(most)})

    def send(self) -> None:
        """Count a request: a question has several where the teacher was busy."""
        self._append({"sent": self.requests + 1})

    def answer(self, key: str, place: tuple[str, int], by: str, answer: Answer, tokens: Tokens) -> None:
        """Keep an answer, on the disk before this returns. `place` is the task and the number of its sample."""
        task, sample = place
        kept = {"answer": answer.model_dump(mode="json"), "tokens": asdict(tokens)}
        self._append({"answered": key, "task": task, "sample": sample, "by": by, **kept})
        os.fsync(self._file.fileno())

    def fail(self, key: str, why: str, *, paid: bool) -> None:
        self._append({"failed": key, "why": why, "paid": paid})

    def _append(self, row: dict[str, Any]) -> None:
        append_jsonl(self._file, row)
        self._read(row)

    def _replay(self, row: dict[str, Any], where: str) -> None:
        try:
            self._read(row)
        except (LookupError, TypeError, ValueError) as error:
            raise DataError(
                "This is no file of answers.", where=where, hint="Name another one with --answers."
            ) from error

    def _read(self, row: dict[str, Any]) -> None:
        self._lines += 1
        match row:
            case {"asked": key, "most": most}:
                self.spent += self._open.pop(key, Tokens())
                self._open[key] = Tokens(**most)
            case {"sent": _}:
                self.requests += 1
            case {"answered": key, "by": by, "answer": answer, "tokens": tokens}:
                del self._open[key]
                self.spent += Tokens(**tokens)
                digest = row_hash(msgspec.json.encode(row))
                self.received[key] = Received(Answer.model_validate(answer), by, self._lines, digest)
            case {"failed": key, "paid": paid}:
                most = self._open.pop(key)
                self.spent += most if paid else Tokens()
            case _:
                raise ValueError(row)
