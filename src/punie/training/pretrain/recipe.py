"""Everything that decides what a pretrained model is: one YAML file, read before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from punie.errors import UsageError
from punie.files import open_input

Positive = Annotated[int, Field(gt=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Shape(_Part):
    """Sizes of the network: a Llama with tied embeddings and biases on q, k, v and o."""

    layers: Positive = 4
    width: Positive = 128
    heads: Positive = 4
    hidden: Positive = 384
    vocabulary: Positive = 1024


class Induction(_Part):
    """The warm-up that teaches copying: a random segment, a gap, the segment again; loss on the repeat only."""

    steps: int = 300
    narrow_steps: int = 200
    """Steps that draw from `narrow_vocabulary` ids only; over all ids from the start it does not form in time."""
    narrow_vocabulary: Positive = 128
    rows: Positive = 32
    length: Positive = 64


class Recipe(_Part):
    """Rates are peak rates, constant to `decay_from` of the steps, then linear to `final_rate` of the peak."""

    name: str
    seed: int = 1
    shape: Shape = Shape()
    induction: Induction = Induction()
    steps: Positive
    rows: Positive = 16
    length: Positive = 192
    matrix_rate: float = 0.02
    vector_rate: float = 0.01
    decay_from: float = 0.4
    final_rate: float = 0.02
    report_every: Positive = 20


def load_recipe(path: Path) -> Recipe:
    """Raises UsageError with the key at fault."""
    with open_input(path) as file:
        try:
            return Recipe.model_validate(yaml.safe_load(file))
        except yaml.YAMLError as error:
            raise UsageError(f"Not valid YAML: {error}.", where=str(path)) from error
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"])) or "(top)"
            raise UsageError(f"Not a pretraining recipe: {first['msg']}.", where=f"{path}, key {key}") from error
