"""A curriculum: phases, from the easiest to the hardest, and the schedule by which their rows are shown.

Its file is YAML, for example:

    phases:
      - {name: easy, where: {level: [1, 2]}}
      - {name: hard, where: {difficulty: {at_least: 4}}}
    schedule: incremental
    replay: 0.2
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from punie.curriculum.mix import FieldName, Growth, Share, Thresholds
from punie.curriculum.pace import Pace, Restart
from punie.curriculum.rows import Where
from punie.errors import UsageError


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Phase(Pace):
    """Named rows, and how long and how fast they are learned when it is their turn."""

    where: Where | None = None
    """None for all rows."""
    iters: Annotated[int, Field(ge=1)] | None = None
    """Batches of the stage in which these rows are new; where no phase says it, all have the same."""
    epochs: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """The same, in passes over the rows that this stage shows."""
    restart: Restart | None = None
    """None for what the curriculum says."""


class Mixed(_Strict):
    """All phases from the first step to the last: the baseline. With a `restart`, in stages of the phases' lengths."""

    kind: Literal["mixed"] = "mixed"


class Sequential(_Strict):
    """One phase after the other."""

    kind: Literal["sequential"] = "sequential"


class Incremental(_Strict):
    """One more phase in every stage: the first, the first two, and so on."""

    kind: Literal["incremental"] = "incremental"


class Hybrid(_Strict):
    """Each phase with the hardest rows of those before it: of each its share `hardest`, by the number in field `by`."""

    kind: Literal["hybrid"] = "hybrid"
    hardest: Share
    by: FieldName


class Anti(_Strict):
    """One phase after the other, the last one first."""

    kind: Literal["anti"] = "anti"


class Competence(Growth):
    """Rows sorted by the number in field `by`, of which a growing share is drawn from (Platanios et al. 2019).

    After t of T steps it is c(t) = min(1, (t (1 - c0^p) / T + c0^p)^(1/p)) with c0 = `start` and p = `power`;
    T = `full_after` of all steps. Phases only name the rows, and count them in reports.
    """

    kind: Literal["competence"] = "competence"


class Adaptive(Thresholds):
    """One phase at a time. After every `steps_per_eval` iterations its validation loss says whether another comes."""

    kind: Literal["adaptive"] = "adaptive"


def _by_name(value: Any) -> Any:
    """A schedule without options is its name."""
    return {"kind": value} if isinstance(value, str) else value


_Order = Mixed | Sequential | Incremental | Hybrid | Anti | Competence
Order = Annotated[_Order, Field(discriminator="kind"), BeforeValidator(_by_name)]


class Control(_Strict):
    """The rows that the schedule `of` shows, each as often, in random order: what its order is worth, seen apart.

    Not of an adaptive one, whose rows are known when it has ended.
    """

    kind: Literal["control"] = "control"
    of: Order


Schedule = Annotated[_Order | Adaptive | Control, Field(discriminator="kind"), BeforeValidator(_by_name)]


class Curriculum(_Strict):
    """Phases are listed from the easiest to the hardest."""

    format: Literal[1] = 1
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    schedule: Schedule = Sequential()
    replay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of what a stage shows that comes from the phases of the stages before it, against forgetting."""
    restart: Restart = "none"
    """What begins anew with every stage after the first, as in a stage of a plan."""

    @model_validator(mode="after")
    def _contradicts_nothing(self) -> Self:
        names = [phase.name for phase in self.phases]
        if len(set(names)) < len(names):
            raise ValueError("two phases have the same name")
        if self.timed and not all(phase.iters or phase.epochs for phase in self.phases):
            raise ValueError("some phases say iters or epochs and some do not")
        if any(phase.iters and phase.epochs for phase in self.phases):
            raise ValueError("a phase says iters or epochs, not both")
        if self.replay and isinstance(self.order, Mixed | Competence):
            raise ValueError(f"replay does nothing with schedule {self.order.kind}: it has no earlier phases")
        if isinstance(self.order, Competence | Adaptive) and any(map(self.breaks_before, self.phases[1:])):
            raise ValueError(
                f"schedule {self.order.kind} is one stage: it has no place for a restart or a phase's own rate"
            )
        return self

    def breaks_before(self, phase: Phase) -> bool:
        """Whether more than the rows changes where this phase begins, if it is not the first."""
        return bool(phase.rate_values) or (phase.restart or self.restart) != "none"

    @property
    def timed(self) -> bool:
        """Whether the phases say how long they are learned."""
        return any(phase.iters or phase.epochs for phase in self.phases)

    @property
    def order(self) -> Order | Adaptive:
        """The schedule; of a control, that whose rows it shows."""
        return self.schedule.of if isinstance(self.schedule, Control) else self.schedule


def parse_curriculum(values: Mapping[str, Any], where: str) -> Curriculum:
    """A curriculum from the values of its file; `where` says in errors where they came from. Raises UsageError."""
    try:
        return Curriculum.model_validate(values)
    except ValidationError as error:
        raise _explained(error, where) from error


def _explained(error: ValidationError, where: str) -> UsageError:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        return UsageError(f"A curriculum has no key {key!r}.", where=where)
    if not key:
        return UsageError(f"The curriculum contradicts itself: {message}.", where=where)
    return UsageError(f"The curriculum's {key} is not usable: {message}.", where=f"{where}, key {key}")
