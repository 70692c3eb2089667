"""Removing what a candidate left: trees too deep for recursion or a path, and folders that nobody may enter."""

from __future__ import annotations

import os
from collections.abc import Iterator

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def remove_folder(folder: str) -> None:
    """Remove a folder and all below it, in linear time. Nothing else may be at work there.

    One folder is open at a time, and `..` leads back, so that no path gets long.
    """
    here, names = os.open(folder, _OPEN), list[str]()
    while True:
        if (name := next(_folders_after_files(here), None)) is not None:
            os.chmod(name, 0o700, dir_fd=here)
            names.append(name)
            here = _move(here, name)
        elif names:
            here = _move(here, "..")
            os.rmdir(names.pop(), dir_fd=here)
        else:
            break
    os.close(here)
    os.rmdir(folder)


def _folders_after_files(here: int) -> Iterator[str]:
    """Names of folders, files before them being removed on the way."""
    with os.scandir(here) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield entry.name
            else:
                os.unlink(entry.name, dir_fd=here)


def _move(here: int, name: str) -> int:
    there = os.open(name, _OPEN, dir_fd=here)
    os.close(here)
    return there
