"""Paths of this machine, replaced by names that mean something elsewhere."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

_SNAPSHOT = re.compile(r"/models--([\w.-]+?)--([\w.-]+)/snapshots/[0-9a-f]+")
"""Where the hub's cache keeps a repository at a commit."""
_WHOLE = re.compile(r"(?:~?/|[A-Za-z]:[\\/])\S[^\n]*")
_WITHIN = re.compile(r"(?<![\w:/.\\<-])(?:~|/[\w.@+-]+)(?:/[\w.@+-]+)+|\b[A-Za-z]:\\[\w.@+\\-]+")

_ORIGINS = {"_name_or_path", "name_or_path"}


def scrubbed(value: Any) -> Any:
    """The same record without a path of this machine: a repository's name, or else the last part of the path."""
    if isinstance(value, dict):
        return {scrubbed(key): scrubbed(part) for key, part in value.items()}
    if isinstance(value, list):
        return [scrubbed(part) for part in value]
    if not isinstance(value, str):
        return value
    return public_name(value) if _WHOLE.fullmatch(value) else scrubbed_text(value)


def without_origin(value: dict[str, Any]) -> dict[str, Any]:
    """A file of transformers, with the name instead of the path that it was read from."""
    return {key: scrubbed(part) if key in _ORIGINS else part for key, part in value.items()}


def scrubbed_text(text: str) -> str:
    """The same of running text; in it a path ends at a space."""
    return _WITHIN.sub(lambda found: public_name(found[0]), text)


def public_name(path: str) -> str:
    """`org/name` for what lies in the hub's cache, or else the last part: `rust` for `/Users/ada/data/rust`."""
    if found := _SNAPSHOT.search(path):
        return f"{found[1]}/{found[2]}"
    return PurePath(path.replace("\\", "/")).name


def hub_name(path: str) -> str | None:
    """The repository whose copy this path is, or that it names; None for any other folder."""
    name = public_name(path) if _WHOLE.fullmatch(path) else path
    return name if re.fullmatch(r"[\w.-]+/[\w.-]+", name) and not name.startswith(".") else None
