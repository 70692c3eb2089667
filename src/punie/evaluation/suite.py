"""Cases and suites: what is asked, and what would be right.

A suite is a YAML file, or a JSONL file with one case on each line. It lists its cases, or draws them from a seeded
generator, so that a suite of hundreds of cases is ten lines and the same everywhere; either way its hash is over the
cases themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from punie.errors import UsageError
from punie.evaluation.draw import Draw
from punie.evaluation.expectations import CallExpectation, Expectation, ExpectedCall, Record
from punie.files import hash_value, open_input, read_jsonl

Half = Literal["dev", "test"]

YAML_SUFFIXES = (".yaml", ".yml")
JSONL_SUFFIX = ".jsonl"
_BUILT_IN = Path(str(files("punie.evaluation") / "suites"))
_YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ABOUT = frozenset({"reference", "known_bad", "half", "source", "licence", "tags"})
"""Keys of a case that change neither the question nor the judgement."""


class Turn(Record):
    """A step before the last answer: the calls the model must make, and the text it then gets back for each."""

    calls: Annotated[tuple[ExpectedCall, ...], Field(min_length=1)]
    results: tuple[str, ...]

    @model_validator(mode="after")
    def _answers_every_call(self) -> Self:
        if len(self.results) != len(self.calls):
            raise ValueError("a turn has one result for each of its calls")
        return self

    @property
    def expect(self) -> CallExpectation:
        return CallExpectation(calls=self.calls)


class Case(Record):
    """One question. `messages` and `tools` are sent as they stand; after each turn its calls and results follow.

    `half` says whether the case may be used to choose (dev) or only to report (test).
    """

    id: str
    category: str
    messages: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]
    tools: tuple[dict[str, Any], ...] = ()
    turns: tuple[Turn, ...] = ()
    expect: Expectation
    reference: str | None = None
    """An answer that is right, as a model would write it; by default the one that `expect` derives."""
    known_bad: tuple[str, ...] = ()
    """Answers that look right and are not."""
    half: Half = "test"
    tags: dict[str, str] = Field(default_factory=dict)
    """What else it is counted under, for example `difficulty: "3"`: a table for each name."""
    source: str = ""
    licence: str = ""


class Published(Record):
    """What others measured on problems of the same kind, to stand beside a run: (right, counted) by category or tag.

    Compared are the cases of the run that have every tag of `where` and one of the categories in `rows`.
    """

    name: str
    note: str
    where: dict[str, str] = Field(default_factory=dict)
    rows: dict[str, dict[str, tuple[int, int]]]
    """By "category" or the name of a tag; then by its value."""


class Suite(Record):
    """A named list of cases, no two with the same id. Exactly one of `cases` and `draw` is given in the file."""

    name: str
    description: str = ""
    max_tokens: Annotated[int, Field(gt=0)] = 512
    cases: tuple[Case, ...] = ()
    draw: Draw | None = None
    published: Published | None = None

    @model_validator(mode="after")
    def _holds_cases(self) -> Self:
        if (self.draw is None) == (not self.cases):
            raise ValueError("a suite needs either cases or draw, and not both")
        return self

    @property
    def hash(self) -> str:
        return hash_cases(self.cases)

    def of_half(self, half: Half) -> Suite:
        """The suite with the cases of one half. Raises UsageError where it has none."""
        cases = tuple(case for case in self.cases if case.half == half)
        if not cases:
            raise UsageError(f"Suite {self.name!r} has no case in its {half} half.")
        return self.model_copy(update={"name": f"{self.name}:{half}", "cases": cases})


def case_row(case: Case) -> dict[str, Any]:
    """A case as a file has it: keys at their default are left out."""
    row = case.model_dump(mode="json", exclude_defaults=True)
    return {**row, "expect": {"kind": case.expect.kind, **row["expect"]}}


def reference_answer(case: Case) -> str:
    """The case's own, or the one that its expectation derives; empty where there is neither."""
    return case.expect.reference() if case.reference is None else case.reference


def hash_cases(cases: Iterable[Case]) -> str:
    """Over what changes the question or the judgement, and nothing else."""
    return hash_value([_judged(case_row(case)) for case in cases])


def built_in() -> tuple[str, ...]:
    """Names of the suites that come along."""
    return tuple(sorted(file.stem for file in _BUILT_IN.glob("*.yaml")))


def load_suite(name: str) -> Suite:
    """Read a built-in suite by name, or a .yaml or .jsonl file by path.

    Raises UsageError when there is no such suite, or the file is not one; DataError at a line that is no JSON.
    """
    return _drawn(_read(name))


@dataclass(frozen=True, slots=True)
class Outline:
    """A suite as a list names it; `halves` says how many cases each has."""

    name: str
    description: str
    halves: Mapping[str, int]


def outline(name: str) -> Outline:
    """What a suite is, without drawing its cases. Raises what `load_suite` does."""
    suite = _read(name)
    halves = Counter[str](case.half for case in suite.cases) if suite.draw is None else suite.draw.halves()
    return Outline(suite.name, suite.description, halves)


def find_case(suite: Suite, id: str | None = None) -> Case:
    """The case with this id, or the first. Raises UsageError where there is none."""
    found = next((case for case in suite.cases if id in (None, case.id)), None)
    if found is None:
        close = get_close_matches(str(id), [case.id for case in suite.cases], 1)
        hint = f"Did you mean {close[0]!r}?" if close else f"The first is {suite.cases[0].id!r}."
        raise UsageError(f"Suite {suite.name!r} has no case {id!r}.", hint=hint)
    return found


def _read(name: str) -> Suite:
    path = Path(name)
    if path.suffix == JSONL_SUFFIX:
        return _read_lines(path)
    if path.suffix in YAML_SUFFIXES:
        return _read_yaml(path)
    if name not in built_in():
        close = get_close_matches(name, built_in(), 1)
        meant = f"Did you mean {close[0]!r}? " if close else ""
        hint = f"{meant}Built in: {', '.join(built_in())}. Or give a .yaml or .jsonl."
        raise UsageError(f"There is no suite called {name!r}.", hint=hint)
    return _read_yaml(_BUILT_IN / f"{name}.yaml")


def _read_yaml(path: Path) -> Suite:
    with open_input(path) as file:
        try:
            content = yaml.load(file, _YAML_LOADER)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise UsageError(f"Not valid YAML: {' '.join(str(error).split())}.", where=str(path)) from error
    if not isinstance(content, dict):
        raise UsageError("A suite is a mapping with a name and cases.", where=str(path))
    return _validated(content, path)


def _read_lines(path: Path) -> Suite:
    """The first line may hold keys of the suite itself; its name is else that of the file."""
    rows = list(read_jsonl(path))
    first = rows[0][1] if rows else {}
    head = {} if "messages" in first or "id" in first else first
    lines = rows[1:] if head else rows
    content = {"name": path.stem, **head, "cases": [row for _, row in lines]}
    return _validated(content, path, [number for number, _ in lines])


def _validated(content: dict[str, Any], path: Path, lines: Sequence[int] = ()) -> Suite:
    try:
        suite = Suite.model_validate(content)
    except ValidationError as error:
        raise _explained(error.errors()[0], content, path, lines) from error
    seen: set[str] = set()
    for index, case in enumerate(suite.cases):
        if case.id in seen:
            where = _where(("cases", index, "id"), path, lines)
            raise UsageError(f"Two cases have the id {case.id!r}.", where=where, hint="Trials are kept by id.")
        seen.add(case.id)
    return suite


def _explained(error: ErrorDetails, content: dict[str, Any], path: Path, lines: Sequence[int]) -> UsageError:
    place = error["loc"]
    case = content["cases"][place[1]] if place[:1] == ("cases",) and len(place) > 1 else None
    wrong = f"Case {case['id']!r} is wrong" if isinstance(case, dict) and "id" in case else "Not a suite"
    why = error["msg"].removeprefix("Value error, ").rstrip(".")
    return UsageError(f"{wrong}: {why}.", where=_where(place, path, lines))


def _where(place: Sequence[int | str], path: Path, lines: Sequence[int]) -> str:
    """File, line where there are lines, and key. The name of the kind, which follows `expect`, is no key."""
    inner = list(place)
    if "expect" in inner:
        del inner[inner.index("expect") + 1 : inner.index("expect") + 2]
    if lines and len(inner) > 1 and inner[0] == "cases":
        number = lines[int(inner[1])]
        return f"{path}:{number}, key {'.'.join(map(str, inner[2:])) or '(top)'}"
    return f"{path}, key {'.'.join(map(str, inner)) or '(top)'}"


def _judged(row: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in row.items() if key not in _ABOUT}
    return {**kept, "expect": {key: value for key, value in row["expect"].items() if key != "solution"}}


def _drawn(suite: Suite) -> Suite:
    if suite.draw is None:
        return suite
    return suite.model_copy(update={"cases": tuple(map(Case.model_validate, suite.draw.rows()))})
