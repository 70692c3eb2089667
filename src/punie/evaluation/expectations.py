"""What would be right: the kinds of expectation a case can have, each with an answer that meets it."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from punie.conversation import ToolCall
from punie.toolcalls import render_call


class Record(BaseModel):
    """A frozen value that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _knows_every_key(cls, value: Any) -> Any:
        for key in value if isinstance(value, dict) else ():
            if key not in cls.model_fields:
                close = get_close_matches(str(key), cls.model_fields, 1)
                hint = f"did you mean {close[0]!r}" if close else f"keys are {', '.join(cls.model_fields)}"
                raise ValueError(f"there is no key {str(key)!r} here; {hint}")
        return value


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
