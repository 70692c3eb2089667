"""The command line in this process, in an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Punie, command_line


@pytest.fixture
def punie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Punie:
    """Run `punie ARGUMENTS` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return command_line(monkeypatch, capfd)
