"""From what a user wrote, in a file or as options, to a plan."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from punie.errors import UsageError
from punie.files import open_input
from punie.training.plan import TrainingPlan
from punie.training.spellings import in_our_words, suggestion


def load_plan(path: Path) -> TrainingPlan:
    """Read a whole plan from a YAML file. Raises UsageError that names the key."""
    return parse_plan(read_values(path), where=str(path))


def read_values(path: Path) -> dict[str, Any]:
    """The values of a YAML file by name, unchecked: it may hold only part of a plan. Raises UsageError."""
    with open_input(path) as file:
        try:
            values = yaml.safe_load(file)
        except yaml.YAMLError as error:
            raise UsageError(f"Not valid YAML: {error}.", where=str(path)) from error
    if not isinstance(values, dict):
        raise UsageError("A plan is a list of `key: value` lines.", where=str(path))
    return values


def parse_plan(values: Mapping[str, Any], *, where: str) -> TrainingPlan:
    """A plan from its values by name; `where` says in errors where they came from. Raises UsageError."""
    values = in_our_words(values, where=where)
    for key in values:
        if key not in TrainingPlan.model_fields:
            raise UsageError(
                f"A plan has no key {key!r}.", where=where, hint=suggestion(str(key), TrainingPlan.model_fields)
            )
    try:
        return TrainingPlan.model_validate(values)
    except ValidationError as error:
        raise _explained(error, where) from error


def _explained(error: ValidationError, where: str) -> UsageError:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if not key:
        return UsageError(f"The plan contradicts itself: {message}.", where=where)
    if first["type"] == "missing":
        return UsageError(f"The plan does not say {key}.", where=where, hint=f"Give {key} as an option or in the plan.")
    return UsageError(f"The plan's {key} is not usable: {message}.", where=f"{where}, key {key}")
