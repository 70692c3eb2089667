"""How long and how fast a part of a run learns: what a phase, and the stage it becomes, may have of their own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Shape = Literal["constant", "cosine", "linear"]
Restart = Literal["none", "rate", "all"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""Also that of a folder."""

RATE_KEYS = {"learning_rate", "schedule", "warmup", "initial_learning_rate", "final_learning_rate", "decay"}


class Pace(BaseModel):
    """What is None is the plan's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    learning_rate: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    schedule: Shape | None = None
    """Of the learning rate."""
    warmup: Annotated[int, Field(ge=0)] | None = None
    initial_learning_rate: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    final_learning_rate: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    decay: Annotated[int, Field(ge=1)] | None = None

    @property
    def rate_values(self) -> dict[str, Any]:
        """What is said about the learning rate, by the names of the plan's fields."""
        return {key: value for key in sorted(RATE_KEYS) if (value := getattr(self, key)) is not None}
