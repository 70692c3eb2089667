"""A recipe for a model of one's own: architecture, tokenizer, first weights and the plan of its training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, model_validator

from punie.errors import UsageError
from punie.training.plan import TrainingPlan
from punie.training.pretrain.recipe import (
    SMALLEST_VOCABULARY,
    Count,
    Part,
    Rate,
    Recipe,
    load_recipe,
    validated,
)
from punie.training.request import Layer, Request, read_values, requested_plan

_FILLED_IN = ("vocab_size", "eos_token_id", "pad_token_id", "bos_token_id")
"""Keys of a model's configuration that its tokenizer decides."""

_SETTLED = {"fine_tune_type": "full", "num_layers": -1, "whole_model": True}
"""What makes a training a pretraining."""


class Vocabulary(Part):
    """Every character of the rows, or byte-level BPE with `size` entries."""

    kind: Literal["characters", "bytes"]
    size: Annotated[int, Field(ge=SMALLEST_VOCABULARY)] | None = None

    @model_validator(mode="after")
    def _only_bytes_have_a_size(self) -> Self:
        if (self.size is None) != (self.kind == "characters"):
            raise ValueError("bytes need a size; characters are as many as there are in the rows")
        return self


class FirstWeights(Part):
    """Matrices and embeddings are drawn from N(0, std), biases are 0 and norms 1.

    Where a block adds its result to the residual stream (o_proj, down_proj, c_proj), std is divided by the square root
    of twice the number of layers, as in GPT-2 (Radford et al. 2019, section 2.3).
    """

    std: Rate = 0.02


class ModelRecipe(Part):
    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    seed: Count = 0
    """Of the first weights and of the training."""
    model: dict[str, Any]
    """config.json in mlx-lm's words, without what the tokenizer decides."""
    tokenizer: Vocabulary
    first_weights: FirstWeights = FirstWeights()
    training: dict[str, Any]
    """A plan, in the words of `punie train --config`."""

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if not isinstance(self.model.get("model_type"), str):
            raise ValueError("model does not say its model_type, for example gpt2, llama or qwen3")
        if given := [key for key in _FILLED_IN if key in self.model]:
            raise ValueError(f"model gives {given[0]}, which the tokenizer decides; leave it out")
        if not any(isinstance(self.model.get(key), int) for key in _CONTEXTS):
            raise ValueError(f"model does not say how many positions it has: one of {', '.join(_CONTEXTS)}")
        if given := [key for key in (*_SETTLED, "model", "adapter_path", "seed") if key in self.training]:
            raise ValueError(f"training gives {given[0]}, which a pretraining decides itself; leave it out")
        return self

    @property
    def positions(self) -> int:
        """The longest text that the model can handle, in tokens."""
        return min(self.model[key] for key in _CONTEXTS if isinstance(self.model.get(key), int))

    def request(self, model: Path, adapter_path: Path, where: str) -> Request:
        """The plan that trains `model` into `adapter_path`. Raises UsageError that names the key."""
        places = {"model": str(model), "adapter_path": str(adapter_path), "seed": self.seed}
        layers = Layer(self.training, f"{where}, key training"), Layer({**places, **_SETTLED}, "")
        request = requested_plan(*layers, defaults=lambda _: {"max_seq_length": self.positions})
        self._require_positions(request.plan, where)
        return request

    def _require_positions(self, plan: TrainingPlan, where: str) -> None:
        if plan.max_seq_length > self.positions:
            raise UsageError(
                f"max_seq_length {plan.max_seq_length} is more than the model's {self.positions} positions.",
                where=f"{where}, key training.max_seq_length",
            )

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


_CONTEXTS = ("max_position_embeddings", "n_positions")


def read_recipe(path: Path) -> Recipe | ModelRecipe:
    """A recipe with a key `model` is for one's own; any other is for the embedded one. Raises UsageError."""
    values = read_values(path)
    return validated(ModelRecipe, values, path) if "model" in values else load_recipe(path)


def load_model_recipe(path: Path) -> ModelRecipe:
    """Raises UsageError with the key at fault."""
    return validated(ModelRecipe, read_values(path), path)
