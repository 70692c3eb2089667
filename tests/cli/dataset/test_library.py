"""Whoever writes Python has every command as well."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
from dataset_commands import WRITERS
from typer.core import TyperGroup
from typer.main import get_command

from punie.cli.dataset import app

PAGE = Path(__file__).parents[3] / "docs" / "data.md"
FUNCTIONS = dict(re.findall(r"^\| `([\w ]+)` \| `(punie[\w.]+)`", PAGE.read_text(), re.MULTILINE))


def test_every_command_is_a_function() -> None:
    """The page on data names one for each command of the group, and for nothing else."""
    assert FUNCTIONS.keys() == set(names(get_command(app)))


def names(group: Any) -> Iterator[str]:
    """Commands of the group, and of the groups in it with their group's name before."""
    for name, command in group.commands.items():
        yield from [f"{name} {inner}" for inner in command.commands] if isinstance(command, TyperGroup) else [name]


@pytest.mark.parametrize(("command", "place"), FUNCTIONS.items(), ids=FUNCTIONS)
def test_functions_have_the_name_of_their_command(command: str, place: str) -> None:
    """With an underscore where Python has the word already; those that write take the output's place."""
    function = resolve_name(place)
    assert function.__name__.removesuffix("_") == command.replace(" ", "_")
    assert ("output" in inspect.signature(function).parameters) == (
        command
        in {*WRITERS, "download", "generate tinypy", "generate algorithms", "generate categories", "generate toolcalls"}
    )
