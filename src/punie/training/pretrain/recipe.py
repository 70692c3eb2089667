"""Everything that decides what the embedded model is: one YAML file, read before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from punie.errors import UsageError
from punie.files import open_input

Positive = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Rows = Annotated[int, Field(gt=0, multiple_of=2)]
"""An even number: the halves of a batch are computed side by side."""
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]

_Kind = TypeVar("_Kind", bound=BaseModel)

CONTEXT = 1024
"""Positions that a pretrained model says it can handle."""
SMALLEST_HEAD = 12
"""Features that the head which looks back one position is made of."""
SMALLEST_VOCABULARY = 261
"""All bytes, and the marks of turns and calls."""


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Shape(Part):
    """Sizes of the network: a Llama with tied embeddings and biases on q, k, v and o."""

    layers: Positive = 4
    width: Positive = 128
    heads: Positive = 4
    hidden: Positive = 384
    vocabulary: Annotated[int, Field(ge=SMALLEST_VOCABULARY)] = 1024

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        size, rest = divmod(self.width, self.heads)
        if rest or size % 2 or size < SMALLEST_HEAD:
            raise ValueError(f"width / heads must be an even number of at least {SMALLEST_HEAD}")
        return self


class Induction(Part):
    """The warm-up that teaches copying: a random segment, a gap, the segment again; loss on the repeat only."""

    steps: Count = 300
    narrow_steps: Count = 200
    """Steps that draw from `narrow_vocabulary` ids only; over all ids from the start it does not form in time."""
    narrow_vocabulary: Positive = 128
    separated_from: Count = 300
    """The step from which every other token of a segment is one of two separators."""
    rows: Rows = 32
    length: Annotated[int, Field(ge=16, le=CONTEXT)] = 64


class Recipe(Part):
    """Rates are peak rates, constant to `decay_from` of the steps, then linear to `final_rate` of the peak."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    seed: Count = 1
    shape: Shape = Shape()
    induction: Induction = Induction()
    steps: Positive
    rows: Rows = 16
    length: Annotated[int, Field(gt=0, le=CONTEXT)] = 192
    matrix_rate: Rate = 0.02
    vector_rate: Rate = 0.01
    decay_from: Annotated[float, Field(ge=0, lt=1)] = 0.4
    final_rate: Annotated[float, Field(ge=0, le=1)] = 0.02
    report_every: Positive = 20

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.model_dump(), sort_keys=False)


def load_recipe(path: Path) -> Recipe:
    """Raises UsageError with the key at fault."""
    with open_input(path) as file:
        try:
            return validated(Recipe, yaml.safe_load(file), path)
        except yaml.YAMLError as error:
            raise UsageError(f"Not valid YAML: {error}.", where=str(path)) from error


def validated(kind: type[_Kind], values: Any, path: Path) -> _Kind:
    """Raises UsageError with the key at fault."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "(top)"
        raise UsageError(f"Not a pretraining recipe: {first['msg']}.", where=f"{path}, key {key}") from error
