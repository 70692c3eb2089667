"""A tool of the sample world: its schema, its arguments, and the phrasings in which people ask for it.

Every tool has three kinds of phrasing. Two *plain* ones are answered with a call already in the base model's chats; all
*taught* ones, which are sentences and framed orders, occur in fine-tuning data and in the base model's logs; *new* ones
are written for evaluation only and occur in no training text at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from punie.conversation import ToolCall
from punie.generate.holdout import is_held_out

_FRAMES = (
    "Please *.",
    "Can you *?",
    "Would you *?",
    "I would like you to *.",
    "I want you to *.",
    "I need you to *.",
    "You should *.",
    "Let us *.",
    "Now *.",
    "First *.",
    "Go ahead and *.",
    "It is time to *.",
    "My next step is to *.",
    "*, please.",
    "Do this: *.",
    "The task is to *.",
    "Help me to *.",
    "We have to *.",
    "Then *, and tell me when it is done.",
)

Maker = Callable[[Random], str]


@dataclass(frozen=True, slots=True)
class Tool:
    """A declared function: its parameters with their makers, and its phrasings with a slot for each parameter."""

    name: str
    purpose: str
    parameters: tuple[tuple[str, Maker], ...]
    sentences: tuple[str, ...]
    orders: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def plain(self) -> tuple[str, ...]:
        """The sentences that the base model already answers with a call."""
        return self.sentences[:2]

    @property
    def taught(self) -> tuple[str, ...]:
        """Every taught phrasing: the sentences, and the orders in each frame that people put around them."""
        return (*self.sentences, *(frame.replace("*", order) for frame in _FRAMES for order in self.orders))

    def draw_phrasing(self, rng: Random) -> str:
        """A taught phrasing, half of the time a sentence."""
        if rng.random() < 0.5:
            return rng.choice(self.sentences)
        return rng.choice(_FRAMES).replace("*", rng.choice(self.orders))

    @property
    def signature(self) -> str:
        """The declaration in one line, e.g. `move_file(source, target)`."""
        return f"{self.name}({', '.join(name for name, _ in self.parameters)})"

    def schema(self) -> dict[str, Any]:
        """The declaration in the OpenAI form that chat templates expect."""
        properties = {name: {"type": "string"} for name, _ in self.parameters}
        parameters = {"type": "object", "properties": properties, "required": list(properties)}
        function = {"name": self.name, "description": self.purpose, "parameters": parameters}
        return {"type": "function", "function": function}

    def call(self, rng: Random, held_out: bool) -> ToolCall:
        """Arguments from the side of the split that is asked for."""
        while True:
            arguments = {name: make(rng) for name, make in self.parameters}
            if is_held_out(self.name, *arguments.values()) == held_out:
                return ToolCall(self.name, arguments)
