"""What is asked for, what comes back, and the ways in which nothing does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from pydantic import Field

from punie.errors import ServerError

Messages = Sequence[Mapping[str, Any]]


class DroppedReply(ServerError):
    """The server is well, took the question and closed the connection without a word.

    It does so when the model writes a tool call that is valid JSON of the wrong shape (mlx-lm 0.32: no `arguments`, or
    a list): formatting the reply raises. The model's fault, then, not the network's.
    """


class RefusedQuestion(ServerError):
    """The server is well and will not answer this one question: too long for it, or not what its template takes."""


class LostReply(ServerError):
    """What came back broke off, or is no reply. The answer may have been generated, and paid for, all the same."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """Temperature 0 is greedy. No seed: mlx_lm serves a request that carries one alone, outside the batch."""

    temperature: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: Annotated[int, Field(ge=1)] = 256
    top_k: Annotated[int, Field(ge=0)] = 0
    """0 and the next one's 0 leave every token in."""
    min_p: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Tokens of less than this share of the likeliest one's probability are never drawn."""
    repetition_penalty: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """Above 1 tokens of late are made less likely, also where nothing is drawn; 0 leaves them."""

    def request(self) -> dict[str, Any]:
        """As a request carries it: what OpenAI's protocol does not know is named only where it does something."""
        ours = {"top_k": self.top_k, "min_p": self.min_p, "repetition_penalty": self.repetition_penalty}
        named = {name: value for name, value in ours.items() if value}
        return {"temperature": self.temperature, "top_p": self.top_p, "max_tokens": self.max_tokens, **named}


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model wrote: `text` is raw, with its tags. `seconds` run from connecting to the last byte."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    server: str | None = None
    """Which of several answered."""


class Asker(Protocol):
    """Whatever answers a conversation; messages and tools are sent as they stand.

    Raises DroppedReply where an answer got lost, RefusedQuestion where there is none to be had, ServerError when it is
    broken.
    """

    async def complete(self, messages: Messages, tools: Messages = ()) -> Completion: ...


class ModelClient(Protocol):
    """Asks one model behind one address. Raises what an Asker raises."""

    async def complete(self, messages: Messages, tools: Messages, sampling: Sampling) -> Completion: ...
