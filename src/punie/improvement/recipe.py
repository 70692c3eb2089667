"""A recipe of self-improvement: what the student is asked, what it learns from, and when it has learned enough."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from punie.distil.choice import Keep
from punie.errors import UsageError
from punie.evaluation.conversions import why_invalid
from punie.evaluation.expectations import Record
from punie.training.plan import TrainingPlan
from punie.training.presets import preset
from punie.training.request import Layer, read_values, requested_plan
from punie.workspace import EMBEDDED_MODEL, resolve_model

Count = Annotated[int, Field(ge=1)]
Named = Annotated[str, Field(min_length=1)]
Rise = Literal["higher", "better"]

_OURS = ("model", "data", "adapter_path", "resume_from", "seed")
"""Keys of a plan that each round sets for itself."""


class ImprovementRecipe(Record):
    """Paths are relative to the current folder, as on the command line."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    model: Named = EMBEDDED_MODEL
    adapter: Named | None = None
    """What the student knows already; it is trained further. None begins with the model alone."""
    tasks: Named
    """As `punie dataset distil --tasks` takes them."""
    suite: Named
    """Its dev half decides about rounds, its test half is asked at the end. Neither is ever taught."""
    samples: Annotated[int, Field(ge=1, le=1000)] = 8
    """Answers to each task in each round."""
    temperature: Annotated[float, Field(gt=0)] = 0.7
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: Count = 512
    keep: Keep = "shortest"
    replay: Named | None = None
    """A dataset whose training rows are mixed in: what the student learned before."""
    replay_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Of the rows of a round, as far as there are so many."""
    control: bool = True
    """With replay: whether the start also learns these rows alone, for as many iterations as the chosen round did."""
    rounds: Count = 5
    """At most."""
    rise: Rise = "higher"
    """What counts as a rise of the dev score: more cases right than in the best round so far, or a paired exact test
    that says so (better)."""
    patience: Count = 1
    """Rounds in a row without a rise after which it ends."""
    concurrency: Count = 8
    unsafe_no_sandbox: bool = False
    """Whether code that the student wrote is run in a child without a jail."""
    seed: Annotated[int, Field(ge=0, lt=2**62)] = 0
    training: dict[str, Any] = Field(default_factory=dict)
    """Keys of a plan, for every round alike."""

    @model_validator(mode="after")
    def _keys_do_something(self) -> Self:
        if self.replay is None and "replay_share" in self.model_fields_set:
            raise ValueError("replay_share needs replay")
        if taken := [key for key in _OURS if key in self.training]:
            raise ValueError(f"training cannot say {taken[0]}: every round has its own")
        return self

    def plan(
        self, number: int, data: Path, adapter: Path | None, output: Path, iters: int | None = None
    ) -> TrainingPlan:
        """What a round trains, from the adapter so far, for its own number of iterations or another one.

        Raises UsageError that names the key.
        """
        begin = {} if adapter is None else {"resume_from": str(adapter)}
        paths = {"model": self.model, "data": str(data), "adapter_path": str(output), **begin}
        own = Layer({**paths, "seed": self.seed + number}, "")
        return requested_plan(
            own,
            Layer(self.training, "key training"),
            Layer({} if iters is None else {"iters": iters}, ""),
            defaults=lambda values: preset(resolve_model(self.model), values.get("iters")),
        ).plan

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.model_dump(mode="json", exclude_none=True), sort_keys=False, allow_unicode=True)


def load_improvement(path: Path) -> ImprovementRecipe:
    """Raises UsageError that names the key."""
    try:
        recipe = ImprovementRecipe.model_validate(read_values(path))
    except ValidationError as error:
        raise UsageError(f"Not a recipe of self-improvement: {why_invalid(error)}.", where=str(path)) from error
    recipe.plan(1, Path("data"), None, Path("adapter"))
    return recipe
