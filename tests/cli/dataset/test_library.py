"""Whoever writes Python has every command as well."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
from dataset_commands import WRITERS
from typer.main import get_command

from punie.cli.dataset import app

PAGE = Path(__file__).parents[3] / "docs" / "data.md"
FUNCTIONS = dict(re.findall(r"^\| `(\w+)` \| `(punie[\w.]+)`", PAGE.read_text(), re.MULTILINE))


def test_every_command_is_a_function() -> None:
    """The page on data names one for each command of the group, and for nothing else."""
    commands: dict[str, Any] = get_command(app).commands
    assert FUNCTIONS.keys() == commands.keys()


@pytest.mark.parametrize(("command", "place"), FUNCTIONS.items(), ids=FUNCTIONS)
def test_functions_have_the_name_of_their_command(command: str, place: str) -> None:
    """With an underscore where Python has the word already; those that write take the output's place."""
    function = resolve_name(place)
    assert function.__name__.removesuffix("_") == command
    assert ("output" in inspect.signature(function).parameters) == (command in {*WRITERS, "download"})
