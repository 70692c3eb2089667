"""A folder that is filled beside its final name, and what is left of one whose writer was killed."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from punie.errors import UsageError
from punie.files import make_folder


class Draft:
    """A hidden folder beside `output`, locked while its writer lives. Raises UsageError where none can be made.

    The system lets a lock go with the process that held it, however that ended: a draft that nobody holds is removed
    when the same output is made the next time.
    """

    def __init__(self, output: Path) -> None:
        self._output = output
        make_folder(output.parent)
        _sweep(output)
        self.folder = make_folder(output.parent / f".{output.name}.{token_hex(4)}")
        self._lock = os.open(self.folder, os.O_RDONLY)
        with suppress(OSError):  # Some network drives have no locks; a draft there is never taken for abandoned.
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def publish(self) -> None:
        """Give the folder its final name. Raises UsageError where something has taken that name meanwhile."""
        try:
            self.folder.replace(self._output)
        except OSError as error:
            raise UsageError(
                f"The finished dataset cannot take its name: {error.strerror}.",
                where=str(self._output),
                hint="Something else was written there meanwhile. Choose another output.",
            ) from error

    def discard(self) -> None:
        """Remove what has no final name."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)


def _sweep(output: Path) -> None:
    pattern = re.compile(rf"\.{re.escape(output.name)}\.[0-9a-f]{{8}}")
    for folder in output.parent.iterdir():
        if pattern.fullmatch(folder.name) and folder.is_dir() and _is_abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    with suppress(OSError):
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(lock)
        return True
    return False
