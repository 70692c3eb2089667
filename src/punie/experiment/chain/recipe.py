"""A recipe of a chain: which steps there are, and the settings of each. A step that it leaves out is not run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from punie.curriculum.difficulty import static_measure
from punie.data.choose.recipe import Recipe, parse_recipe
from punie.experiment.chain.sources import Origin
from punie.report.comparison import MARGIN
from punie.shipping.quantize import WIDTHS
from punie.training.plan import TrainingPlan
from punie.training.presets import preset
from punie.training.request import Layer, requested_plan
from punie.workspace import EMBEDDED_MODEL, resolve_model

Name = Annotated[str, Field(pattern=r"^[\w.-]+$")]
Percent = Annotated[float, Field(ge=0, le=100)]
KIND = "chain"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Lessons(BaseModel):
    """How hard rows are, as `punie curriculum score` finds it, and in which order they come: all keys of a curriculum.

    Without `measures` the rows say themselves how hard they are.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    measures: tuple[str, ...] = ()
    thresholds: tuple[float, float] | None = None
    language: str = "python"

    @property
    def order(self) -> dict[str, Any]:
        return dict(self.model_extra or {})

    @model_validator(mode="after")
    def _measures_exist(self) -> Self:
        for measure in self.measures:
            static_measure(measure, self.language)
        return self


class Fusing(_Part):
    """As options of `punie fuse`."""

    requantize: bool = False
    min_kept: Annotated[float, Field(ge=0, le=1)] = 0.5


class Quantizing(_Part):
    """As options of `punie quantize`."""

    bits: Annotated[tuple[int, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _widths_exist(self) -> Self:
        if set(self.bits) - set(WIDTHS) or len(set(self.bits)) < len(self.bits):
            raise ValueError(f"the widths are some of {', '.join(map(str, WIDTHS))}, each at most once")
        return self


class Asking(_Part):
    """As options of `punie eval`; every model of the chain is asked alike."""

    suites: Annotated[tuple[str, ...], Field(min_length=1)]
    half: Literal["dev", "test", "all"] = "test"
    samples: Annotated[int, Field(ge=1, le=1000)] = 1
    temperature: Annotated[float, Field(ge=0)] = 0.0
    top_p: Annotated[float, Field(ge=0, le=1)] = 1.0
    top_k: Annotated[int, Field(ge=0)] = 0
    min_p: Annotated[float, Field(ge=0, le=1)] = 0.0
    repetition_penalty: Annotated[float, Field(ge=0)] = 0.0
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    concurrency: Annotated[int, Field(ge=1)] = 16
    unsafe_no_sandbox: bool = False


class Comparing(_Part):
    """As options of `punie compare`: every model with the untrained one. `max_drop` is in points."""

    max_drop: Percent = MARGIN * 100
    categories: tuple[str, ...] = ()
    gate: bool = False


class ChainExperiment(_Part):
    """A model, and what becomes of it. Paths are relative to the current folder, as on the command line."""

    kind: Literal["chain"]
    name: Name
    model: str = EMBEDDED_MODEL
    sources: dict[Name, Origin] = {}
    """Rows to make first, each a dataset folder that `data` calls by its name."""
    data: str | dict[str, Any] | None = None
    """A name of `sources`, a dataset folder, or a recipe as `punie dataset build` takes it."""
    curriculum: Lessons | None = None
    train: dict[str, Any] | None = None
    """Keys of a plan; where they leave model, data or output out, these are the chain's own."""
    fuse: Fusing | None = None
    quantize: Quantizing | None = None
    evaluate: Asking | None = None
    compare: Comparing | None = None
    keep: Literal["all", "chosen"] = "all"

    @model_validator(mode="before")
    @classmethod
    def _a_step_without_settings_is_a_step(cls, values: Any) -> Any:
        """`fuse:` alone asks for fusing as it is by default."""
        bare = {"curriculum", "train", "fuse", "quantize", "evaluate", "compare"}
        if not isinstance(values, Mapping):
            return values
        return {key: {} if value is None and key in bare else value for key, value in values.items()}

    @model_validator(mode="after")
    def _steps_fit(self) -> Self:
        for wrong, why in (
            (self.train is not None and self.data is None, "train needs data"),
            (self.curriculum is not None and self.train is None, "curriculum needs train"),
            (bool(self.curriculum and self.curriculum.order) and "curriculum" in (self.train or {}), "two curricula"),
            (self.fuse is not None and self.train is None, "fuse needs train"),
            (self.quantize is not None and self.train is not None and self.fuse is None, "quantize needs fuse"),
            (self.compare is not None and self.evaluate is None, "compare needs evaluate"),
            (self.compare is not None and self.train is None and self.quantize is None, "compare needs a second model"),
            (self.keep == "chosen" and self.compare is None, "keep: chosen needs compare, which chooses"),
            (self.fuse is not None and self.fuse.requantize and self.quantize is not None, "requantize or quantize"),
            (bool(self.sources) and self.data is None, "sources are made for data, which is not there"),
        ):
            if wrong:
                raise ValueError(why)
        return self

    def blend(self, where: str) -> Recipe | None:
        """The recipe that `data` is, if it is one. Raises UsageError."""
        return parse_recipe({"name": self.name, **self.data}, where) if isinstance(self.data, Mapping) else None

    def plan(self, data: str, output: str, where: str) -> TrainingPlan:
        """What is trained. Raises UsageError that names the key."""
        own = {"model": self.model, "data": data, "adapter_path": output}
        order = {"curriculum": self.curriculum.order} if self.curriculum and self.curriculum.order else {}
        layers = Layer(own, ""), Layer({**(self.train or {}), **order, **own}, f"{where}, key train")
        return requested_plan(
            *layers, defaults=lambda values: preset(resolve_model(str(values["model"])), values.get("iters"))
        ).plan

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.model_dump(mode="json", exclude_none=True), sort_keys=False, allow_unicode=True)
