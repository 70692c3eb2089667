"""What would be right: the kinds of expectation a case can have, each with an answer that meets it."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from punie.conversation import ToolCall
from punie.toolcalls import render_call

Texts = tuple[str, ...]


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
    """One call. An argument is right at its value in `arguments`, or at any of its values in `accept`."""

    name: str
    arguments: dict[str, Any] = {}
    accept: dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]] = {}
    optional: Texts = ()
    """Arguments that may be left out; given, they must be right."""
    loose_text: bool = False
    """Texts are right when their words and numbers are, whatever their case and what stands between them."""

    @model_validator(mode="after")
    def _optional_is_known(self) -> Self:
        if unknown := set(self.optional) - self.values().keys():
            raise ValueError(f"optional names {sorted(unknown)[0]!r}, which has no value in arguments or accept")
        return self

    def values(self) -> dict[str, tuple[Any, ...]]:
        """The right values of every argument that may be given, the one of `arguments` first."""
        exact = {name: (value, *self.accept.get(name, ())) for name, value in self.arguments.items()}
        return {**self.accept, **exact}

    def reference(self) -> ToolCall:
        """The call with the first right value of every argument that must be given, and whatever `arguments` has."""
        given = {name for name in self.values() if name in self.arguments or name not in self.optional}
        return ToolCall(self.name, {name: values[0] for name, values in self.values().items() if name in given})


class CallExpectation(Record):
    """Exactly these calls, in any order. None: an answer in words is right."""

    kind: Literal["calls"] = "calls"
    weak: ClassVar[bool] = False
    calls: tuple[ExpectedCall, ...]

    def reference(self) -> str:
        return "\n".join(render_call(call.reference()) for call in self.calls) or "No tool is needed for that."


class CodeTest(Record):
    arguments: tuple[Any, ...]
    returns: Any


class CodeExpectation(Record):
    """A function that meets every test; `solution` is one that does. Exactly one of the three forms of tests is given.

    `tests` and `asserts` are compared outside the sandbox; so is what can be taken apart of a `check` program
    (`check(candidate)` or asserts at top level), see `punie.sandbox.program`.
    """

    kind: Literal["code"] = "code"
    weak: ClassVar[bool] = False
    entry_point: str
    tests: tuple[CodeTest, ...] = ()
    asserts: Texts = ()
    check: str = ""
    preamble: str = ""
    """Code that stands before the answer's, for example the imports that the question shows."""
    solution: str

    @model_validator(mode="after")
    def _tests_once(self) -> Self:
        if sum(map(bool, (self.tests, self.asserts, self.check))) != 1:
            raise ValueError("give exactly one of tests, asserts and check, and not an empty one")
        return self

    def reference(self) -> str:
        return f"```python\n{self.solution}\n```"

    def checks(self) -> Texts:
        """The tests as Python."""
        calls = (f"{self.entry_point}({', '.join(map(repr, test.arguments))})" for test in self.tests)
        lines = tuple(f"{call} == {test.returns!r}" for call, test in zip(calls, self.tests, strict=True))
        return lines or self.asserts or (self.check,)


class NumberExpectation(Record):
    """The final number of the answer, within `tolerance` or `relative_tolerance`, whichever is wider."""

    kind: Literal["number"] = "number"
    weak: ClassVar[bool] = False
    value: float
    tolerance: Annotated[float, Field(ge=0)] = 0.0
    relative_tolerance: Annotated[float, Field(ge=0, lt=1)] = 1e-9

    def reference(self) -> str:
        return f"Answer: {self.value:.15g}"


class TextExpectation(Record):
    """The final answer is this text, one of these texts, or matches this expression as a whole."""

    kind: Literal["text"] = "text"
    weak: ClassVar[bool] = False
    value: str = ""
    values: Texts = ()
    regex: str = ""
    ignore_case: bool = False

    @field_validator("regex")
    @classmethod
    def _compiles(cls, regex: str) -> str:
        try:
            re.compile(regex)
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from error
        return regex

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if sum(map(bool, (self.value, self.values, self.regex))) != 1 or not all(self.values):
            raise ValueError("give exactly one of value, values and regex, and no empty text")
        return self

    def accepted(self) -> Texts:
        return self.values or ((self.value,) if self.value else ())

    def reference(self) -> str:
        """Empty for an expression: which text matches, the case has to say."""
        return f"Answer: {self.accepted()[0]}" if self.accepted() else ""


class ChoiceExpectation(Record):
    """The letter of one of the choices."""

    kind: Literal["choice"] = "choice"
    weak: ClassVar[bool] = False
    value: str
    choices: Annotated[Texts, Field(min_length=2)] = ("A", "B", "C", "D")

    @model_validator(mode="after")
    def _is_a_choice(self) -> Self:
        if not all(re.fullmatch("[A-Z]", choice) for choice in self.choices):
            raise ValueError("choices are single capital letters")
        if self.value not in self.choices:
            raise ValueError(f"value {self.value!r} is none of the choices")
        return self

    def reference(self) -> str:
        return f"Answer: {self.value}"


class KeywordExpectation(Record):
    """Words that occur: all of `all`, and one of `any`. Weak: a wrong answer may hold them too."""

    kind: Literal["keywords"] = "keywords"
    weak: ClassVar[bool] = True
    all: Texts = ()
    any: Texts = ()

    @model_validator(mode="after")
    def _some_word(self) -> Self:
        words = (*self.all, *self.any)
        if not words or "" in map(str.strip, words):
            raise ValueError("give words in all or any, and no empty one")
        return self

    def reference(self) -> str:
        return " ".join((*self.all, *self.any[:1]))


class JudgeExpectation(Record):
    """Another model says whether the answer meets the rubric. Weak: models judge otherwise on another day."""

    kind: Literal["judge"] = "judge"
    weak: ClassVar[bool] = True
    rubric: Annotated[str, Field(min_length=1)]
    answer: str = ""
    """A right answer that the judge is shown."""

    def reference(self) -> str:
        return self.answer


Expectation = Annotated[
    CallExpectation
    | CodeExpectation
    | NumberExpectation
    | TextExpectation
    | ChoiceExpectation
    | KeywordExpectation
    | JudgeExpectation,
    Field(discriminator="kind"),
]
