"""`punie doctor` on the machine that runs the tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from punie.workspace import cache_folder

Punie = Callable[..., Any]


@pytest.fixture(autouse=True)
def _switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def test_every_line_is_told_and_a_problem_is_the_exit_code(punie: Punie, tmp_path: Path) -> None:
    """A real run: JSON alone on standard output, and 4 exactly where a line is a problem."""
    done = punie("doctor", "--json")
    document = json.loads(done.out)
    levels = {name: finding["level"] for name, finding in document["findings"].items()}
    assert {"platform", "compute", "memory", "mlx", "sandbox", "hub", "servers"} <= set(levels)
    assert levels["compute"] == "ok"
    assert document["machine"]["memory"] > 1e9
    assert document["machine"]["places"][0]["folder"] == str(tmp_path)
    assert (done.code == 4) == ("problem" in levels.values())
    assert not list(tmp_path.iterdir())


def test_a_problem_is_a_line_with_its_cure(punie: Punie, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that can never be made: the line, the cure below it, the exit code, and no colour in a pipe."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("PUNIE_CACHE", str(tmp_path / "file" / "cache"))
    done = punie("doctor")
    assert done.code == 4
    assert f"{cache_folder()} (Not a directory)" in done.out
    assert "-> Work in a folder of your own" in done.out
    assert "folders" in done.err
    assert "\x1b" not in done.out
