"""docs/cli.md is what the program says."""

from __future__ import annotations

import cli_reference
import pytest


def test_the_page_is_current() -> None:
    """The page of commands is never older than the commands."""
    page = cli_reference.PAGE.read_text(encoding="utf-8")
    assert page == cli_reference.reference(), "run: .venv/bin/python tools/cli_reference.py"


HELPS = dict(cli_reference.helps())


@pytest.mark.parametrize("name", HELPS)
def test_every_command_says_what_it_does(name: str) -> None:
    """The help of every command has a sentence between its usage and its options."""
    usage, _, rest = HELPS[name].partition("\n\n")
    assert usage.startswith(f"Usage: {name}")
    assert not rest.startswith(("Options:", "Arguments:", "Commands:"))
