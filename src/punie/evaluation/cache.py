"""Answers that were given before, so that the same question is not asked of the same model twice.

Only greedy answers are kept. At temperature 0 an answer is what the model says; above it, it is one draw, and an
earlier draw handed out again would look like a second one that agrees. A key is the hash of all that an answer depends
on, so nothing in the cache is ever out of date. Punie does without the cache where it cannot be read or written.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from pydantic import ValidationError

from punie.evaluation.outcomes import Answer
from punie.files import hash_value
from punie.moments import now
from punie.workspace import cache_folder

FORMAT = 1
LARGEST_ANSWERS = 200_000
"""Kept on disk, about 200 MB; those that were not used for longest go first."""

_TABLE = "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL, used REAL NOT NULL)"
_READ = "UPDATE answers SET used = ? WHERE key = ? RETURNING answer"
_WRITE = "INSERT OR REPLACE INTO answers VALUES (?, ?, ?)"
_MAKE_ROOM = "DELETE FROM answers WHERE key IN (SELECT key FROM answers ORDER BY used DESC LIMIT -1 OFFSET ?)"


class AnswerCache:
    """Answers under one set of conditions: model, adapter, template, sampling, versions. A context manager."""

    def __init__(self, conditions: Mapping[str, Any]) -> None:
        self._conditions = hash_value([FORMAT, dict(conditions)])
        self._database = _opened(cache_folder() / "answers.sqlite")

    def __enter__(self) -> AnswerCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.execute(_MAKE_ROOM, (LARGEST_ANSWERS,))
            self._database.close()

    def read(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Answer | None:
        """The answer to this question, marked with when it was given; None where there is none."""
        if self._database is None:
            return None
        try:
            found = self._database.execute(_READ, (time.time(), self._key(messages, tools))).fetchone()
            return Answer.model_validate_json(found[0]) if found else None
        except (sqlite3.Error, ValidationError):
            return None

    def write(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]], answer: Answer) -> None:
        if self._database is not None:
            given = answer.model_copy(update={"cached": now()})
            with suppress(sqlite3.Error):
                self._database.execute(_WRITE, (self._key(messages, tools), given.model_dump_json(), time.time()))

    def _key(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> str:
        return hash_value([self._conditions, list(messages), list(tools)])


def _opened(path: Path) -> sqlite3.Connection | None:
    """A database that commits every statement; None where there can be none."""
    with suppress(OSError, sqlite3.Error):
        path.parent.mkdir(parents=True, exist_ok=True)
        return _connected(path)
    return None


def _connected(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute(_TABLE)
    return database
