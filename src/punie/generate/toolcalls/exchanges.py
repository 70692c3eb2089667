"""Calls made at once, with results that their tools could return, and the answer that uses them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from punie.conversation import ToolCall
from punie.generate.dice import Dice
from punie.generate.toolcalls import wording
from punie.generate.toolcalls.conformance import fault
from punie.generate.toolcalls.declared import DeclaredTool
from punie.generate.toolcalls.values import draw_object

Made = tuple[DeclaredTool, Mapping[str, Any]]
"""A tool and the arguments that it is called with."""

_ERRORS = ("permission denied", "it timed out after 30 seconds", "the service is not reachable", "the disk is full")
_FAILING = 0.08


@dataclass(frozen=True, slots=True)
class Exchange:
    """`results` are JSON texts, one for each call. `answer` says all that is `stated`; empty where calls follow."""

    calls: tuple[ToolCall, ...]
    results: tuple[str, ...]
    answer: str
    stated: tuple[str, ...]


def exchange_of(made: Sequence[Made], dice: Dice, failing: float = _FAILING) -> Exchange:
    """`failing` is the share of calls, 0..1, that return an error."""
    outcomes = [_outcome(tool, arguments, dice, failing) for tool, arguments in made]
    return Exchange(
        calls=tuple(ToolCall(tool.name, arguments) for tool, arguments in made),
        results=tuple(json.dumps(result, ensure_ascii=False) for result, _, _ in outcomes),
        answer=" ".join(said for _, said, _ in outcomes),
        stated=tuple(value for _, _, values in outcomes for value in values),
    )


def _outcome(
    tool: DeclaredTool, arguments: Mapping[str, Any], dice: Dice, failing: float
) -> tuple[dict[str, Any], str, tuple[str, ...]]:
    """A result, what is said of it, and the values that are said. A property named as an argument has its value."""
    if dice.chance(failing):
        error = dice.pick(_ERRORS)
        return {"error": error}, wording.report_failure(tool, error, dice), (error,)
    result = draw_object(tool.returns, dice, f"the result of {tool.name}")
    echoed = {**result, **{name: value for name, value in arguments.items() if name in result}}
    result = result if fault(tool.returns, echoed) else echoed
    return result, *wording.answer(tool, result, dice)
