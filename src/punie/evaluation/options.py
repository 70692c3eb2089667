"""What to ask of which model, and how."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from punie.errors import UsageError
from punie.evaluation.suite import Half, Suite
from punie.serving.completion import Sampling
from punie.serving.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """An evaluation as it is asked for. Raises UsageError where options contradict each other."""

    model: Path | None
    """None where endpoints are asked."""
    label: str
    """The model's name as the user gave it; the record carries it instead of the path."""
    suites: tuple[Suite | str, ...]
    output: Path
    adapter: Path | None = None
    endpoints: tuple[Endpoint, ...] = ()
    """Servers of one model, among which the questions are spread."""
    judge: Endpoint | None = None
    """Who judges the cases with a rubric; without one they are unscored."""
    half: Half | Literal["all"] = "test"
    samples: int = 1
    concurrency: int | None = 16
    """None has it measured."""
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 0.0
    max_tokens: int | None = None
    """None takes each suite's."""
    use_cache: bool = False
    """Whether greedy answers are taken from and kept in the user's cache."""
    unsafe_no_sandbox: bool = False
    """Whether code the model wrote is run in a child without a jail."""
    allow_noop_adapter: bool = False
    port: int | None = None

    def __post_init__(self) -> None:
        if (self.model is None) != bool(self.endpoints):
            raise UsageError("Either a model of this machine or an endpoint is asked, and one of them.")
        if self.endpoints and (self.adapter is not None or self.port):
            raise UsageError("An adapter or a port cannot be chosen for a server that somebody else runs.")
        given = {"top-p": self.top_p != 1, "top-k": self.top_k != 0, "min-p": self.min_p != 0}
        if self.temperature == 0 and (idle := [name for name, turned in given.items() if turned]):
            hint = f"Give a temperature, or leave {idle[0]} out."
            raise UsageError(f"{idle[0]} does nothing at temperature 0.", hint=hint)
        if self.temperature == 0 and self.samples > 1:
            raise UsageError(
                f"At temperature 0, {self.samples} samples are one answer {self.samples} times.",
                hint="Give a temperature. For the noise of the server, evaluate again and use punie compare --noise.",
            )

    @property
    def cached(self) -> bool:
        """A sampled answer is one draw: an earlier one handed out again would look like a second that agrees."""
        return self.use_cache and self.temperature == 0

    def sampling(self, suite: Suite) -> Sampling:
        limit = self.max_tokens or suite.max_tokens
        return Sampling(self.temperature, self.top_p, limit, self.top_k, self.min_p, self.repetition_penalty)
