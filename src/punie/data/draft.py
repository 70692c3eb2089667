"""A folder that is filled beside its final name."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from punie.errors import UsageError
from punie.files import draft_of, hold, make_folder, sweep_drafts


class Draft:
    """A hidden folder beside `output`, locked while its writer lives. Raises UsageError where none can be made.

    What a writer that was killed left is removed when the same output is made the next time.
    """

    def __init__(self, output: Path) -> None:
        self._output = output
        make_folder(output.parent)
        sweep_drafts(output)
        self.folder = make_folder(draft_of(output))
        self._lock = os.open(self.folder, os.O_RDONLY)
        hold(self._lock)

    def publish(self) -> None:
        """Give the folder its final name. Raises UsageError where something has taken that name meanwhile."""
        try:
            self.folder.replace(self._output)
        except OSError as error:
            raise UsageError(
                f"What was made cannot take its name: {error.strerror}.",
                where=str(self._output),
                hint="Something else was written there meanwhile. Choose another output.",
            ) from error

    def discard(self) -> None:
        """Remove what has no final name."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)
