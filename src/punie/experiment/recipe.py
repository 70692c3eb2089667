"""A recipe of an experiment about curricula: what all arms share, what each has of its own, and what is compared.

All of it is fixed before anything is trained, so what the report tells was not chosen by its results.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from punie.curriculum.curriculum import Phase, Schedule
from punie.curriculum.pace import Restart
from punie.generate.tinypy.grammar import LEVELS
from punie.training.pretrain.model_recipe import FirstWeights, ModelRecipe, Vocabulary

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
Positive = Annotated[int, Field(ge=1)]
MeasureName = Literal["execution", "tokens", "lines"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Programs(_Part):
    """TinyPy, as `punie dataset generate tinypy` makes it."""

    count: Annotated[int, Field(ge=20)]
    seed: Annotated[int, Field(ge=0)] = 0
    levels: tuple[int, ...] = tuple(LEVELS)


class Arm(_Part):
    """One way to show the rows."""

    schedule: Schedule
    restart: Restart = "none"
    shares: tuple[Positive, ...] | None = None
    """How long each phase's turn is, in proportion; None where there is one turn."""


class Contrast(_Part):
    question: Annotated[str, Field(min_length=1)]
    arm: Name
    against: Name


class PublishedFigure(_Part):
    """What a paper found, in percent, and the arms that come closest to its own."""

    measure: MeasureName
    baseline: float
    curriculum: float
    baseline_arm: Name
    curriculum_arm: Name


class CurriculumExperiment(_Part):
    """Every arm learns with every seed from the same first weights of that seed, for the same number of iterations."""

    kind: Literal["curriculum"]
    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    source: str = ""
    """What is repeated: a paper, an address."""
    differences: tuple[str, ...] = ()
    """In what it is not as in the source; sentences for the report."""
    programs: Programs
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    model: dict[str, Any]
    first_weights: FirstWeights = FirstWeights()
    training: dict[str, Any]
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=2, max_length=10)]
    arms: dict[Name, Arm]
    contrasts: Annotated[tuple[Contrast, ...], Field(min_length=1)]
    published: tuple[PublishedFigure, ...] = ()

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        named = [name for one in self.contrasts for name in (one.arm, one.against)]
        named += [name for one in self.published for name in (one.baseline_arm, one.curriculum_arm)]
        if unknown := [name for name in named if name not in self.arms]:
            raise ValueError(f"there is no arm {unknown[0]}")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("a seed is named twice")
        if not isinstance(self.training.get("iters"), int):
            raise ValueError("training does not say iters")
        for name, arm in self.arms.items():
            if arm.shares is not None and len(arm.shares) != len(self.phases):
                raise ValueError(f"arm {name} has {len(arm.shares)} shares for {len(self.phases)} phases")
        return self

    @property
    def iters(self) -> int:
        return self.training["iters"]

    def start(self, seed: int, data: Path) -> ModelRecipe:
        """The model that all arms of a seed begin with."""
        return self._model_recipe(seed, {**self.training, "data": str(data)})

    def arm(self, name: str, seed: int, data: Path) -> ModelRecipe:
        """Raises UsageError where its stages cannot be had."""
        arm = self.arms[name]
        training = {key: value for key, value in self.training.items() if arm.shares is None or key != "iters"}
        curriculum = {"phases": self._phases(arm), "schedule": arm.schedule.model_dump(), "restart": arm.restart}
        return self._model_recipe(seed, {**training, "data": str(data), "curriculum": curriculum})

    def _model_recipe(self, seed: int, training: Mapping[str, Any]) -> ModelRecipe:
        return ModelRecipe(
            name=self.name,
            seed=seed,
            model=self.model,
            tokenizer=Vocabulary(kind="characters"),
            first_weights=self.first_weights,
            training=dict(training),
        )

    def _phases(self, arm: Arm) -> list[dict[str, Any]]:
        phases = [phase.model_dump(exclude_none=True) for phase in self.phases]
        if arm.shares is None:
            return phases
        total, bounds = sum(arm.shares), [0]
        for share in arm.shares:
            bounds.append(bounds[-1] + share)
        ends = [self.iters * bound // total for bound in bounds]
        return [{**phase, "iters": end - begin} for phase, (begin, end) in zip(phases, pairwise(ends), strict=True)]

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.model_dump(mode="json", exclude_none=True), sort_keys=False, allow_unicode=True)
