"""Signals to processes of ours at chosen moments; the processes load `killing`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class Hit:
    """Who gets which signal when `process` comes to `moment`."""

    process: str
    moment: str
    signal: str = "SIGKILL"
    whom: str = "self"

    @property
    def environment(self) -> dict[str, str]:
        killer = Path(__file__).parent / "killing"
        path = os.pathsep.join(filter(None, [str(killer), os.environ.get("PYTHONPATH")]))
        words = {"HIT_IN": self.process, "HIT_AT": self.moment, "HIT_WITH": self.signal, "HIT_WHOM": self.whom}
        return {"PYTHONPATH": path, **words}

    def arm(self, patch: pytest.MonkeyPatch) -> None:
        """For the processes that are started from now on."""
        for key, value in self.environment.items():
            patch.setenv(key, value)
