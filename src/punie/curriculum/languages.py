"""Cyclomatic complexity of code that is not Python, as lizard counts it; lizard comes with the extra `languages`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from punie.curriculum.code import tagged_code
from punie.curriculum.measure import Figure, Unscored
from punie.data.source import SourceRow
from punie.errors import UsageError


@dataclass(frozen=True, slots=True)
class OtherLanguage:
    """A language that lizard reads; `tags` are its names after a fence, `ending` that of its files."""

    name: str
    tags: frozenset[str]
    ending: str
    made_with: Mapping[str, str]

    def cyclomatic(self, row: SourceRow) -> Figure:
        """Decisions + 1 over all functions, as for Python; what stands outside any function lizard does not count."""
        code = tagged_code(row, self.tags)
        if isinstance(code, Unscored):
            return code
        functions = _lizard().analyze_file.analyze_source_code(f"row.{self.ending}", code).function_list
        if not functions:
            return Unscored("lizard finds no function")
        return float(1 + sum(function.cyclomatic_complexity - 1 for function in functions))


def other_language(name: str) -> OtherLanguage:
    """By any of its names or endings. Raises UsageError where lizard is not installed, or does not read it."""
    version = _lizard().version
    for reader, names in _readers():
        if name.lower() in names:
            return OtherLanguage(name, names, reader.ext[0], {"lizard": version})
    known = ", ".join(sorted(reader.language_names[0] for reader, _ in _readers()))
    raise UsageError(f"lizard {version} does not read {name!r}.", hint=f"It reads {known}.")


def _readers() -> Iterator[tuple[Any, frozenset[str]]]:
    import lizard_languages

    for reader in lizard_languages.languages():
        yield reader, frozenset(name.lower() for name in (*reader.language_names, *reader.ext))


def _lizard() -> ModuleType:
    try:
        import lizard
    except ImportError as error:
        raise UsageError(
            "Code that is not Python is measured with lizard, which is not installed.",
            hint="Install Punie with its extra: pip install 'punie[languages]'.",
        ) from error
    return lizard
