"""What passes between an engine, which computes, and the session, which reports, validates, saves and stops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from punie.training.batches import TokenRow
from punie.training.needs import Needs
from punie.training.workload import Workload


@dataclass(frozen=True, slots=True)
class Step:
    """One batch that was learned from. Loss in nats per learned token; `positions` are tokens with padding."""

    rows: Sequence[int]
    """Indices of the training rows."""
    loss: float
    learning_rate: float
    seconds: float
    tokens: int
    positions: int
    trained_tokens: int
    new_shape: bool
    """Whether this step also paid for something the next ones need not: tracing, or the first use of a kernel."""
    gradient_norm: float | None
    """Of the update that this step made; None where none was made, or the engine does not tell."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One look at the validation rows. Loss in nats per learned token; `positions` are tokens with padding."""

    loss: float
    rows: int
    tokens: int
    positions: int
    trained_tokens: int

    @property
    def padding(self) -> float:
        """Share of the computed positions."""
        return 1 - self.tokens / self.positions

    @property
    def supervised(self) -> float:
        """Share of the tokens that carried loss."""
        return self.trained_tokens / self.tokens


class Listener(Protocol):
    """The session, as an engine sees it."""

    def begin(self, values: dict[str, Any]) -> None:
        """The values of the plan as the engine found them in what it is about to use."""

    def at_rest(self) -> None:
        """Before every step: weights and optimizer are between two batches. May raise InterruptedRun."""

    def after(self, step: Step) -> None:
        """After every step."""


class Engine(Protocol):
    """One way to train what a Learner holds, from the saved iteration to the last of the plan."""

    loss_route: str

    def run(self, listener: Listener) -> None:
        """Raises DivergedError where a loss is not a number, and whatever the listener raises."""

    def needs(self) -> Needs | None:
        """An estimate of what a step needs at most; None where there is none."""

    def workload(self) -> Workload | None:
        """What the whole run will compute; None where it is not known."""

    def validate(self, rows: Sequence[TokenRow]) -> Pass:
        """Over the first `val_batches` batches of these rows."""
