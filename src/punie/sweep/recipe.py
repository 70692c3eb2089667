"""What a sweep file says: what is trained, which fields change, how settings are chosen, and when it ends."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import fields
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from punie.errors import UsageError
from punie.serving.completion import Sampling
from punie.sweep.halving import Rung, rungs
from punie.sweep.space import Range, Setting, Space, drawn, grid, varied
from punie.training.request import read_values

SAMPLING_FIELDS = tuple(field.name for field in fields(Sampling))
_SAMPLING = TypeAdapter(Sampling)
_OWN = {"adapter_path": "every trial has a folder of its own", "seed": "use seeds"}
"""Fields of a plan that a sweep sets itself."""

Method = Literal["grid", "random", "halving"]
By = Literal["score", "valid_loss"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Select(_Part):
    """`score` chooses by the dev half of the suite, `valid_loss` by the adapter's validation loss. The suite's test
    half is asked in the end, of the chosen setting and of the base alone.
    """

    by: By = "score"
    suite: Annotated[str, Field(min_length=1)] | None = None
    samples: Annotated[int, Field(ge=1)] = 1
    """Answers to each case above temperature 0."""

    @model_validator(mode="after")
    def _has_questions(self) -> Self:
        if self.by == "score" and self.suite is None:
            raise ValueError("a score needs a suite")
        return self


class Halving(_Part):
    """How long the settings of the first rung are trained, and the last, which alone can be chosen."""

    field: Literal["iters", "epochs"] = "iters"
    first: Annotated[int | float, Field(gt=0)]
    last: Annotated[int | float, Field(gt=0)]
    factor: Annotated[int, Field(ge=2)] = 3

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.last < self.first * self.factor:
            raise ValueError("last is not even first times factor, so nothing would be halved")
        return self


class Budget(_Part):
    """No trial begins after so many minutes of trials, or so many trials; the one under way is finished."""

    minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    trials: Annotated[int, Field(ge=1)] | None = None


class SweepRecipe(_Part):
    """`plan` is what all trials share, in the words of `punie train`; without it nothing is trained, and `model` is
    asked, with `adapter` where one is named.
    """

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    plan: dict[str, Any] | None = None
    model: str | None = None
    adapter: str | None = None
    method: Method = "grid"
    settings: Annotated[int, Field(ge=2)] | None = None
    """How many are drawn."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Of the draws."""
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (0,)
    """Each setting is measured once with each: the training's seed, or one more answer of a model that samples."""
    train: Space = {}
    sampling: Space = {}
    select: Select
    halving: Halving | None = None
    budget: Budget = Budget()

    @field_validator("sampling")
    @classmethod
    def _answers_can_be_drawn_so(cls, space: Space) -> Space:
        for field, values in space.items():
            for value in (values.low, values.high) if isinstance(values, Range) else values:
                _SAMPLING.validate_python({field: value})
        return space

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if problem := next(_contradictions(self), None):
            raise ValueError(problem)
        return self

    @property
    def varied(self) -> tuple[str, ...]:
        """The fields that have more than one value, those of training first."""
        return (*varied(self.train), *varied(self.sampling))

    @property
    def lower(self) -> bool:
        """Whether the lower value is the better one."""
        return self.select.by == "valid_loss"

    @property
    def fresh_seed(self) -> int:
        """One that no trial had."""
        return max(self.seeds) + 1

    def listed(self) -> list[Setting]:
        """Every setting, numbered."""
        if self.method == "grid":
            return grid(self.train, self.sampling)
        assert self.settings is not None, "what is drawn has a count"
        return drawn(self.train, self.sampling, self.settings, self.seed)

    def rungs(self, settings: int) -> tuple[Rung, ...]:
        if self.halving is None:
            return (Rung(0, settings),)
        return rungs(settings, self.halving.first, self.halving.last, self.halving.factor)

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.model_dump(mode="json", exclude_none=True), sort_keys=False, allow_unicode=True)


def _contradictions(recipe: SweepRecipe) -> Any:
    """Why the parts do not fit, one after the other."""
    spaces = [*recipe.train.values(), *recipe.sampling.values()]
    if (recipe.plan is None) == (recipe.model is None):
        yield "a sweep names either a plan, which is trained, or a model, which is only asked"
    if recipe.plan is None and (recipe.train or recipe.lower or recipe.halving):
        yield "train, valid_loss and halving need a plan"
    if recipe.plan is not None and recipe.adapter is not None:
        yield "an adapter stands beside a model; in a plan, resume_from begins with one"
    if not recipe.varied:
        yield "no field has more than one value"
    if (recipe.method == "halving") != (recipe.halving is not None):
        yield "method halving and the block halving go together"
    if (recipe.method == "grid") != (recipe.settings is None):
        yield "settings says how many are drawn: a grid has all there are, other methods need it"
    if recipe.method == "grid" and any(isinstance(one, Range) and one.steps is None for one in spaces):
        yield "a range in a grid needs steps"
    if recipe.lower and recipe.sampling:
        yield "a validation loss does not depend on sampling: choose by a score"
    if any(
        one == other for values in spaces if not isinstance(values, Range) for one, other in combinations(values, 2)
    ):
        yield "a field names a value twice"
    if len(set(recipe.seeds)) < len(recipe.seeds):
        yield "a seed is named twice"
    for field, why in _OWN.items():
        if field in recipe.train or field in (recipe.plan or {}):
            yield f"{field} is not the plan's to say: {why}"
    if recipe.halving and recipe.train.keys() & {"iters", "epochs", "updates"}:
        yield "halving sets the length of a training itself"


def load_sweep(path: Path) -> SweepRecipe:
    """Raises UsageError that names the key."""
    values = read_values(path)
    _require_known(values.get("sampling"), SAMPLING_FIELDS, f"{path}, key sampling")
    _require_known(values, SweepRecipe.model_fields, str(path))
    try:
        return SweepRecipe.model_validate({"name": path.stem, **values})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "(top)"
        message = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"This sweep cannot be made: {message}.", where=f"{path}, key {key}") from error


def _require_known(block: Any, known: Any, where: str) -> None:
    """A misspelt key is told with the one that is meant."""
    for key in block if isinstance(block, Mapping) else ():
        if key not in known:
            close = difflib.get_close_matches(str(key), known, 1)
            hint = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(known)}."
            raise UsageError(f"There is no key {key!r} here.", where=where, hint=hint)
