"""Cases and suites: what is asked, and what would be right.

A suite is a YAML file. It lists its cases, or draws them from a seeded generator, so that a suite of hundreds of cases
is ten lines and the same everywhere; either way its hash is over the cases themselves.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError

from punie.errors import UsageError
from punie.evaluation.expectations import Expectation, Record
from punie.files import hash_value, open_input


class Case(Record):
    """One question. `messages` and `tools` are sent as they stand."""

    id: str
    category: str
    messages: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]
    tools: tuple[dict[str, Any], ...] = ()
    expect: Expectation


class Draw(Record):
    """How many cases of each category a generator gives, and from which seed."""

    generator: Literal["tiny"]
    seed: int
    counts: dict[str, int]


class Suite(Record):
    """A named list of cases. Exactly one of `cases` and `draw` is given in the file."""

    name: str
    description: str = ""
    max_tokens: Annotated[int, Field(gt=0)] = 512
    cases: tuple[Case, ...] = ()
    draw: Draw | None = None

    @property
    def hash(self) -> str:
        return hash_value([case.model_dump(mode="json") for case in self.cases])


def load_suite(name: str) -> Suite:
    """Read a built-in suite by name, or a YAML file by path.

    Raises UsageError when there is no such suite, or the file is not one.
    """
    path = Path(name)
    if path.suffix not in {".yaml", ".yml"}:
        path = Path(str(files("punie.evaluation") / "suites" / f"{name}.yaml"))
        if not path.is_file():
            known = ", ".join(sorted(file.stem for file in path.parent.glob("*.yaml")))
            raise UsageError(f"There is no suite called {name!r}.", hint=f"Built in: {known}. Or give a .yaml file.")
    with open_input(path) as file:
        suite = _parse(file.read(), str(path))
    return _drawn(suite)


def _parse(text: bytes, where: str) -> Suite:
    try:
        return Suite.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise UsageError(f"Not valid YAML: {error}.", where=where) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"Not a suite: {first['msg']}.", where=f"{where}, key {key or '(top)'}") from error


def _drawn(suite: Suite) -> Suite:
    if (suite.draw is None) == (not suite.cases):
        raise UsageError(f"Suite {suite.name!r} needs either cases or draw, and not both.")
    if suite.draw is None:
        return suite
    from punie.generate.tiny import draw_cases

    cases = tuple(Case.model_validate(row) for row in draw_cases(suite.draw.counts, suite.draw.seed))
    return suite.model_copy(update={"cases": cases})
