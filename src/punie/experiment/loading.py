"""From a file to an experiment of the kind that it names."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from punie.errors import UsageError
from punie.experiment.chain.recipe import ChainExperiment
from punie.experiment.recipe import CurriculumExperiment
from punie.training.request import read_values

KINDS: dict[str, type[ChainExperiment | CurriculumExperiment]] = {
    "chain": ChainExperiment,
    "curriculum": CurriculumExperiment,
}


def load_experiment(path: Path, *, full: bool = False) -> ChainExperiment | CurriculumExperiment:
    """With `full`, the values under the recipe's key `full` take the place of the others. Raises UsageError."""
    values = read_values(path)
    larger = values.pop("full", None)
    if (kind := values.get("kind")) not in KINDS:
        raise UsageError(
            f"There is no experiment of kind {kind!r}.",
            where=f"{path}, key kind",
            hint=f"Known: {', '.join(KINDS)}.",
        )
    if full:
        if not isinstance(larger, Mapping):
            raise UsageError("The recipe does not say what is different at full size.", where=f"{path}, key full")
        values = _merged(values, larger)
    try:
        return KINDS[kind].model_validate(values)
    except ValidationError as error:
        raise _explained(error, KINDS[kind], path) from error


def _explained(error: ValidationError, kind: type[BaseModel], path: Path) -> UsageError:
    found = error.errors(include_url=False)
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    place = f"{path}, key {'.'.join(map(str, first['loc'])) or '(top)'}"
    if first["type"] != "extra_forbidden":
        message = first["msg"].removeprefix("Value error, ")
        return UsageError(f"Not a recipe of an experiment: {message}.", where=place)
    key, known = str(first["loc"][-1]), _keys_beside(kind, first["loc"])
    close = get_close_matches(key, known, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"Keys: {', '.join(known)}."
    return UsageError(f"There is no key called {key!r}.", where=place, hint=hint)


def _keys_beside(block: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """The keys of the block in which a key stands; numbers and free names on the way to it are passed over."""
    for part in place[:-1]:
        if field := block.model_fields.get(str(part)):
            block = _block_in(field.annotation) or block
    return list(block.model_fields)


def _block_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_block_in, get_args(annotation))), None)


def _merged(values: Mapping[str, Any], larger: Mapping[str, Any]) -> dict[str, Any]:
    """Blocks are merged key by key; a key that is null is taken out."""
    merged = dict(values)
    for key, value in larger.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(before := merged.get(key), Mapping):
            merged[key] = _merged(before, value)
        else:
            merged[key] = value
    return merged
