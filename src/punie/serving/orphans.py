"""Servers of ours whose owner is gone, and their end.

A child ends with its owner by itself (`punie.child`), except while it is stopped or hangs inside the interpreter: then
twenty gigabytes of weights would stay behind a dead command. So every server is noted in a file of its own; whoever
starts the next one ends those whose owner no longer lives. A process is believed to be the one that was noted only
where its number, its start time and its command all agree.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

from punie.files import make_folder, write_json
from punie.workspace import cache_folder


class Note(BaseModel):
    """A server and its owner. Start times are seconds since 1970, as the system reports them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    started: float
    owner: int
    owner_started: float
    command: tuple[str, ...]
    log: str

    @property
    def abandoned(self) -> bool:
        """Whether the server runs and its owner does not."""
        server = _process(self.pid, self.started)
        return server is not None and _runs(server, self.command) and _process(self.owner, self.owner_started) is None


def note_server(pid: int, command: tuple[str, ...], log: Path) -> Path:
    """Write down a server this process has just started; the file is the caller's to delete once it has ended."""
    note = Note(
        pid=pid,
        started=psutil.Process(pid).create_time(),
        owner=os.getpid(),
        owner_started=psutil.Process().create_time(),
        command=command,
        log=str(log),
    )
    path = make_folder(_folder()) / f"{pid}.json"
    write_json(path, note.model_dump(mode="json"))
    return path


def find_orphans() -> tuple[Note, ...]:
    """Servers of ours that run without an owner."""
    return tuple(note for _, note in _notes() if note.abandoned)


def end_orphans() -> tuple[Note, ...]:
    """End every orphan with its group, delete the notes nobody needs any more, and return what was ended."""
    ended = []
    for path, note in _notes():
        if note.abandoned:
            with suppress(ProcessLookupError):
                os.killpg(note.pid, signal.SIGKILL)
            ended.append(note)
        if note in ended or _process(note.pid, note.started) is None:
            path.unlink(missing_ok=True)
    return tuple(ended)


def _notes() -> Iterator[tuple[Path, Note]]:
    for path in sorted(_folder().glob("*.json")):
        # Another command may have swept it away meanwhile; what cannot be read is nobody's server.
        with suppress(FileNotFoundError, ValidationError):
            yield path, Note.model_validate_json(path.read_bytes())


def _folder() -> Path:
    return cache_folder() / "servers"


def _process(pid: int, started: float) -> psutil.Process | None:
    """The process of that number and start time, unless it has ended; a zombie has."""
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - started) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return None
    return process if same else None


def _runs(process: psutil.Process, command: tuple[str, ...]) -> bool:
    try:
        # Without the interpreter, which macOS names otherwise than it was called.
        return tuple(process.cmdline()[1:]) == command[1:]
    except psutil.Error:
        return False
