"""Installed versions beside what is supported, as the packages' own metadata say it."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

_ASKED_BY = ("punie", "mlx-lm")
"""Whose requirements hold: what both ask for is asked for by the first."""
_TESTED = "Programming Language :: Python :: 3."


@dataclass(frozen=True, slots=True)
class Package:
    """`version` is None where it is not installed; `supported` is a range like ">=0.32.2,<0.33", or "" for any."""

    name: str
    version: str | None
    supported: str

    @property
    def told(self) -> str:
        return f"{self.version or 'not installed'}; supported is {self.supported or 'any'}"

    @property
    def fits(self) -> bool:
        return self.version is not None and SpecifierSet(self.supported).contains(self.version, prereleases=True)


@dataclass(frozen=True, slots=True)
class Python:
    """`tested` names minor versions, like "3.12"."""

    version: str
    supported: str
    tested: tuple[str, ...]
    executable: str

    @property
    def fits(self) -> bool:
        return SpecifierSet(self.supported).contains(self.version, prereleases=True)

    @property
    def is_tested(self) -> bool:
        return self.version.rpartition(".")[0] in self.tested


def read_python(executable: str) -> Python:
    """The running Python beside what Punie's metadata ask for; nothing is asked for where Punie is not installed."""
    try:
        about = metadata.metadata("punie")
    except metadata.PackageNotFoundError:
        return Python(platform.python_version(), "", (), executable)
    named = about.get_all("Classifier") or []
    tested = tuple(line.rpartition(" ")[2] for line in named if line.startswith(_TESTED))
    return Python(platform.python_version(), about["Requires-Python"] or "", tested, executable)


def read_packages() -> tuple[Package, ...]:
    """Every package that Punie or mlx-lm needs on this platform."""
    needed: dict[str, Requirement] = {}
    for requirement in (one for name in _ASKED_BY for one in _requirements(name)):
        needed.setdefault(requirement.name.lower(), requirement)
    return tuple(Package(name, _version(name), _range(one)) for name, one in needed.items())


def _range(requirement: Requirement) -> str:
    """The lower end first."""
    return ",".join(sorted(map(str, requirement.specifier), reverse=True))


def _requirements(name: str) -> Iterator[Requirement]:
    """Without those of extras nobody asked for."""
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return
    for requirement in map(Requirement, lines):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
