"""What would be right: the kinds of expectation a case can have, each with an answer that meets it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from punie.conversation import ToolCall
from punie.toolcalls import render_call


class Record(BaseModel):
    """A frozen value that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ExpectedCall(Record):
    name: str
    arguments: dict[str, Any] = {}


class CallExpectation(Record):
    """Exactly these calls, in any order, every argument equal. None: an answer in words is right."""

    kind: Literal["calls"] = "calls"
    calls: tuple[ExpectedCall, ...]

    def reference(self) -> str:
        calls = "\n".join(render_call(ToolCall(call.name, call.arguments)) for call in self.calls)
        return calls or "No tool is needed for that."


class CodeTest(Record):
    arguments: tuple[Any, ...]
    returns: Any


class CodeExpectation(Record):
    """A function that returns what it should on every test; `solution` is one that does."""

    kind: Literal["code"] = "code"
    entry_point: str
    tests: Annotated[tuple[CodeTest, ...], Field(min_length=1)]
    solution: str

    def reference(self) -> str:
        return self.solution


class NumberExpectation(Record):
    """The final number of the answer."""

    kind: Literal["number"] = "number"
    value: float

    def reference(self) -> str:
        return f"Answer: {self.value:.15g}"


Expectation = Annotated[CallExpectation | CodeExpectation | NumberExpectation, Field(discriminator="kind")]
