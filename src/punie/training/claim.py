"""An output folder that belongs to one process: found free, kept, cleared of what a killed one left, given back."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager, suppress

from punie.errors import UsageError
from punie.files import make_folder
from punie.training.adapter import AdapterFolder


def require_unused(folder: AdapterFolder) -> None:
    if folder.root.exists() and (not folder.root.is_dir() or any(folder.root.iterdir())):
        resumable = folder.plan.is_file() and not folder.outcome.is_file()
        advice = "Use --resume to go on with the run that is there, or choose" if resumable else "Choose"
        raise UsageError("The output folder is in use.", where=str(folder.root), hint=f"{advice} another folder.")


@contextmanager
def claimed(folder: AdapterFolder) -> Generator[None]:
    """Keep the folder to this process; the claim ends with the process, however it ends."""
    lock = os.open(make_folder(folder.run), os.O_RDONLY)
    try:
        _lock(lock, folder)
        yield
    finally:
        os.close(lock)


def _lock(descriptor: int, folder: AdapterFolder) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UsageError("Another process is training into this folder.", where=str(folder.root)) from error


def clear_half_written(folder: AdapterFolder) -> None:
    """A process that was killed while it wrote leaves a temporary file beside the one it was to replace."""
    for place in (folder.run, folder.unfinished, folder.state.parent):
        for leftover in place.glob(".*"):
            leftover.unlink()


def leave_no_trace(folder: AdapterFolder) -> None:
    """The same command, corrected, must find the output folder as it was."""
    shutil.rmtree(folder.run)
    with suppress(OSError):
        folder.root.rmdir()
