"""The children of this process, by their command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import psutil


def children_of(word: str) -> Iterator[psutil.Process]:
    """Those that run and have this word in their command. One that has ended, and waits to be told so, has none."""
    for child in psutil.Process().children():
        with suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
            if word in child.cmdline():
                yield child
