"""What may be seen from outside: the folders that were given, by name, and nothing that a link leads to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from punie.files import open_input

_LARGEST = 256_000_000
"""Bytes of a page: two runs of 2,000 cases have 5 million."""


class Shelves:
    """Addresses are `name/path below the folder`; two folders of one name are told apart by a number."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.roots: dict[str, Path] = {}
        for folder in dict.fromkeys(path.resolve() for path in folders):
            name, number = folder.name, 2
            while name in self.roots:
                name, number = f"{folder.name}-{number}", number + 1
            self.roots[name] = folder

    def address(self, path: Path) -> str:
        """Of a file or folder on one of the shelves."""
        name, root = next((name, root) for name, root in self.roots.items() if path.is_relative_to(root))
        return quote(f"/{name}/{path.relative_to(root).as_posix()}")

    def locate(self, address: str) -> Path | None:
        """What an address means; None where it leaves its folder, or a link is on the way."""
        name, _, rest = address.strip("/").partition("/")
        if name not in self.roots or "\0" in rest:
            return None
        path = self.roots[name] / rest
        return path if path.resolve() == path and path.is_relative_to(self.roots[name]) else None

    def page(self, address: str) -> bytes | None:
        """The content of an HTML file; None for everything else, and for one that is too large."""
        path = self.locate(address)
        if path is None or path.suffix != ".html" or not path.is_file() or path.stat().st_size > _LARGEST:
            return None
        with open_input(path) as file:
            return file.read(_LARGEST)
