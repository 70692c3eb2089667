"""A last look at what is about to leave: no key, no token, no folder of a person."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from punie.data.choose.secrets import find_secret
from punie.errors import UsageError

_HOME = re.compile(r"/(?:Users|home)/[\w.@-]+/|/root/\w|/private/var/|/var/folders/|[A-Za-z]:\\+Users\\+[\w.@-]+", re.A)
_VOCABULARIES = {"tokenizer.json", "vocab.json", "merges.txt", "vocab.txt"}
"""Lists of tokens, some of which are words of paths."""
_BINARY = {".model", ".tiktoken"}
_HEADER_LENGTH_BYTES = 8


def require_clean(root: Path, names: Iterable[str]) -> None:
    """Raises UsageError that names the first file, line and kind of what must not leave; never the thing itself."""
    for name in names:
        for number, line in enumerate(_text(root / name).split("\n"), start=1):
            if kind := _problem(name, line):
                raise UsageError(
                    f"{name}, line {number}, holds {kind}, so nothing was uploaded.",
                    hint="Remove it from the folder, then push again.",
                )


def _problem(name: str, line: str) -> str | None:
    if secret := find_secret(msgspec.json.encode(line)):
        return f"what looks like a secret ({secret})"
    if Path(name).name not in _VOCABULARIES and _HOME.search(line):
        return "the path of a folder of this machine"
    return None


def _text(path: Path) -> str:
    """Of weights the header alone, which may hold words of whoever wrote it."""
    if path.suffix in _BINARY:
        return ""
    if path.suffix != ".safetensors":
        return path.read_text(encoding="utf-8", errors="replace")
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_HEADER_LENGTH_BYTES), "little")
        return file.read(min(length, path.stat().st_size)).decode("utf-8", errors="replace")
