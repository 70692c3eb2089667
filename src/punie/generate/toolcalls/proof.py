"""Why a conversation may not be taught: each is held against its tools, its own words, and every family's parser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from punie.data.schema import row_problem
from punie.generate.toolcalls.conformance import fault
from punie.generate.toolcalls.conversations import Drawn
from punie.generate.toolcalls.exchanges import Exchange
from punie.generate.toolcalls.wording import write
from punie.toolblocks import Family, Tools
from punie.toolcalls import parse_calls, render_calls, same_calls, spoken_calls

_EVERY_ROW: tuple[Family, ...] = ("json", "xml", "mistral", "llama")
"""Python cannot spell every name that a function may have, so only rows for models that write Python are held to it."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """The rule that is broken, and what breaks it."""

    rule: str
    what: str


def flaws(drawn: Drawn, row: Mapping[str, Any], family: Family | None = None) -> Iterator[Flaw]:
    """Every reason not to teach the row that was made of this conversation; `family` is the one its text is for."""
    families = _EVERY_ROW if family is None or family in _EVERY_ROW else (*_EVERY_ROW, family)
    if (problem := row_problem(row)) is not None:
        yield Flaw("no sound row", problem)
    declared = [tool.declaration() for tool in drawn.tools]
    schemas = {tool.name: tool.parameters for tool in drawn.tools}
    heard = list[str]()
    for turn in drawn.turns:
        if isinstance(turn, Exchange):
            yield from _call_flaws(turn, schemas, heard)
            yield from _round_trip_flaws(turn, declared, families)
            yield from _answer_flaws(turn)
            heard += turn.results
        else:
            heard.append(turn)
            if (spoken := spoken_calls(turn, declared)).calls or spoken.malformed:
                yield Flaw("a text reads as a call", turn)


def _call_flaws(turn: Exchange, schemas: Mapping[str, Any], heard: list[str]) -> Iterator[Flaw]:
    for call in turn.calls:
        if call.name not in schemas:
            yield Flaw("a tool that is not offered", call.name)
        elif (wrong := fault(schemas[call.name], dict(call.arguments))) is not None:
            yield Flaw("arguments against the schema", f"{call.name}: {wrong}")
        for value in _leaves(call.arguments):
            if not any(value in text for text in heard):
                yield Flaw("an argument that nobody said", f"{call.name}: {value}")


def _round_trip_flaws(turn: Exchange, declared: Tools, families: Sequence[Family]) -> Iterator[Flaw]:
    for family in families:
        read = parse_calls(render_calls(turn.calls, family), family, declared)
        if read.malformed or not same_calls(turn.calls, read.calls):
            yield Flaw(f"not the same calls in {family}", render_calls(turn.calls, family))


def _answer_flaws(turn: Exchange) -> Iterator[Flaw]:
    for value in turn.stated:
        if value not in turn.answer:
            yield Flaw("a result that is not used", value)
    if spoken_calls(turn.answer).calls:
        yield Flaw("a text reads as a call", turn.answer)


def _leaves(value: Any) -> Iterator[str]:
    """Texts and numbers as they are said; true, false and null are said in other words."""
    match value:
        case dict():
            for one in value.values():
                yield from _leaves(one)
        case list():
            for one in value:
                yield from _leaves(one)
        case bool() | None:
            return
        case _:
            yield write(value)
