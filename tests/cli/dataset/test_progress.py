"""A bar for the person who waits, and nothing for a log."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dataset_commands import READERS, WRITERS, write_inputs

from punie.cli.live import Live
from punie.data.progress import Step

Punie = Callable[..., Any]
AT_ONCE = {"show", "show model"}


@pytest.mark.parametrize("line", [line for name, line in (READERS | WRITERS).items() if name not in AT_ONCE])
def test_every_command_tells_how_far_it_is(
    punie: Punie, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """Every part of the work begins at 0 and ends at its total, so that the time that is left can be told."""
    write_inputs(tmp_path, count=12)
    heard: dict[str, list[Step]] = {}
    monkeypatch.setattr(Live, "step", lambda live, step: heard.setdefault(step.what, []).append(step))
    ended = punie("dataset", *line.split())
    assert ended.code == 0, ended.err
    assert heard
    for steps in heard.values():
        assert steps[0].done == 0
        assert steps[-1].done == steps[-1].total


def test_a_log_has_no_bars(punie: Punie, tmp_path: Path) -> None:
    """Standard error that is no terminal stays empty while a command works."""
    write_inputs(tmp_path)
    assert punie("dataset", "dedup", "IN", "--output", "OUT").err == ""


def test_a_terminal_shows_a_bar_on_standard_error_alone(tmp_path: Path) -> None:
    """What is done and what is left stand on the screen; the result is what it is without a screen."""
    write_inputs(tmp_path)
    screen, other_end = pty.openpty()
    arguments = [sys.executable, "-m", "punie", "dataset", "dedup", "IN", "--output", "OUT", "--json"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    ended = subprocess.run(
        arguments, cwd=tmp_path, stdout=subprocess.PIPE, stderr=other_end, env=environment, timeout=60
    )
    os.close(other_end)
    shown = os.read(screen, 1 << 16).decode()
    os.close(screen)
    assert ended.returncode == 0, shown
    assert "left" in shown
    assert ended.stdout.startswith(b"{\n")
