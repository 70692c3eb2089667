"""How people ask for a call, and how an assistant speaks of it: in a tool's own texts, or in derived ones."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from punie.errors import DataError
from punie.generate.dice import Dice
from punie.generate.toolcalls.declared import DeclaredTool, Texts

_REQUESTS = (
    "Please {clause}: {slots}.",
    "Can you {clause}? It is for {slots}.",
    "I need you to {clause}, with {slots}.",
    "Use {name} with {slots}.",
    "{Clause}: {slots}.",
    "Next, {clause}; take {slots}.",
)
_NEW_REQUESTS = (
    "It would help me if you could {clause}; use {slots}.",
    "Go on and {clause}. Details: {slots}.",
)
_VAGUE = (
    "Can you {clause}?",
    "Please {clause}.",
    "I want you to {clause}.",
    "{Clause}, please.",
    "Could you quickly {clause}?",
    "It is time to {clause}.",
    "Let us {clause}.",
    "My next step: {clause}.",
)
_NEW_VAGUE = ("Would you kindly {clause} for me?", "Somebody has to {clause}; do it.")
_PARTLY = ("The {name} is {value}.", "Take {value} as the {name}.", "For the {name} use {value}.")
_ASKS = (
    "What should I use for {names}?",
    "For that I need {names}. What should I take?",
    "Please tell me {names} first.",
)
_ANSWERS = ("The result: {facts}.", "Done. It says that {facts}.", "{name} returned this: {facts}.")
_FAILURES = ("That did not work: {error}.", "{name} failed: {error}.", "It ended with an error: {error}.")
_CANNOT = (
    "None of the tools that I have can {clause}.",
    "I have no tool to {clause}.",
    "I cannot do that here: no tool of mine can {clause}.",
)
_SLOT = re.compile(r"\{([\w-]+)")


@dataclass(frozen=True, slots=True)
class Request:
    """What a person says, and the template it was made from."""

    text: str
    template: str


def templates(tool: DeclaredTool, new: bool) -> Texts:
    """The taught ones, or those for suites only. A held-out tool has all of its own for suites."""
    own = (*tool.new_requests, *(tool.requests if tool.held_out else ())) if new else tool.requests
    return own or _derived(tool, new)


def ask(tool: DeclaredTool, arguments: Mapping[str, Any], dice: Dice, new: bool) -> Request:
    """A request in which every argument is said."""
    template = dice.pick(templates(tool, new))
    text = _filled(template, tool, arguments)
    said = set(_SLOT.findall(template))
    clauses = [_clause_of(tool, name, value, dice) for name, value in arguments.items() if name not in said]
    return Request(", ".join([text[:-1], *clauses]) + text[-1], f"{tool.name}: {template}")


def ask_vaguely(tool: DeclaredTool, known: Mapping[str, Any], dice: Dice, new: bool) -> Request:
    """A request that leaves out every required argument that is not known."""
    template = dice.pick(_NEW_VAGUE if new else _VAGUE)
    parts = [_about(template, tool), *(state(tool, name, value, dice) for name, value in known.items())]
    return Request(" ".join(parts), f"{tool.name}: {template}")


def state(tool: DeclaredTool, name: str, value: Any, dice: Dice) -> str:
    """One argument in a sentence of its own."""
    return dice.pick(_PARTLY).format(name=plain(name), value=write(value, tool.writes.get(name)))


def ask_back(names: Sequence[str], dice: Dice) -> str:
    return dice.pick(_ASKS).format(names=join([f"the {plain(name)}" for name in names], "and"))


def answer(tool: DeclaredTool, result: Mapping[str, Any], dice: Dice) -> tuple[str, tuple[str, ...]]:
    """The final answer, and the values of the result that it states: those with a slot, or all where it is derived."""
    written = {name: write(value) for name, value in result.items()}
    own = [template for template in tool.answers if set(_SLOT.findall(template)) <= result.keys()]
    if own:
        template = dice.pick(own)
        return _fill(template, written), tuple(written[name] for name in _SLOT.findall(template))
    facts = join([f"{plain(name)} is {value}" for name, value in written.items()], "and")
    return dice.pick(_ANSWERS).format(facts=facts, name=tool.name), tuple(written.values())


def report_failure(tool: DeclaredTool, error: str, dice: Dice) -> str:
    return dice.pick(_FAILURES).format(error=error, name=tool.name)


def decline(tool: DeclaredTool, dice: Dice) -> str:
    return dice.pick(_CANNOT).format(clause=clause(tool))


def clause(tool: DeclaredTool) -> str:
    """The first sentence of the description, as it stands behind "to"."""
    first = re.split(r"\.(?:\s|\Z)", tool.function.get("description") or f"use {plain(tool.name)}", maxsplit=1)[
        0
    ].strip()
    return first[:1].lower() + first[1:]


def plain(name: str) -> str:
    """Words of an identifier: `retry_count` and `retryCount` are "retry count"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_.-]+", " ", name).lower()


def write(value: Any, pattern: str | None = None) -> str:
    """A value within a sentence; `pattern` writes an object, or each of a list, from its own properties."""
    match value:
        case bool():
            return "yes" if value else "no"
        case None:
            return "nothing"
        case list():
            return join([write(one, pattern) for one in value], "and") or "nothing"
        case dict() if pattern:
            return _fill(pattern, {name: write(one) for name, one in value.items()})
        case dict():
            return ", ".join(f"{plain(name)} {write(one)}" for name, one in value.items()) or "nothing"
    return str(value)


def join(parts: Sequence[str], word: str) -> str:
    return ", ".join(parts[:-1]) + f" {word} {parts[-1]}" if len(parts) > 1 else "".join(parts)


def require_slots(tool: DeclaredTool, where: str) -> None:
    """Raises DataError at a request that leaves a required argument unsaid, and at a slot that nothing fills."""
    for template in (*tool.requests, *tool.new_requests):
        slots = set(_SLOT.findall(template))
        if not set(tool.required) <= slots <= tool.properties.keys() or template[-1:] not in (".", "?", "!"):
            hint = "It needs a slot for every required argument, none for an undeclared one, and . ? or ! at its end."
            raise DataError(f"{template!r} is no request for {tool.name}.", where=where, hint=hint)
    for template in tool.answers:
        if not (slots := set(_SLOT.findall(template))) or slots - tool.returns.get("properties", {}).keys():
            hint = "It needs slots for properties that `returns` declares."
            raise DataError(f"{template!r} is no answer of {tool.name}.", where=where, hint=hint)


class _Part(dict[str, Any]):
    """An object within a template: as a whole, or by `{size[width]}`."""

    def __format__(self, _: str) -> str:
        return write(dict(self))


def _filled(template: str, tool: DeclaredTool, arguments: Mapping[str, Any]) -> str:
    slots = {name: _slot(value, tool.writes.get(name)) for name, value in arguments.items()}
    return _fill(template, slots)


def _fill(template: str, slots: Mapping[str, Any]) -> str:
    try:
        return template.format(**slots)
    except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
        hint = "Write {name} or {name[property]} for what the tool declares, and {{ for a brace."
        raise DataError(f"The text {template!r} cannot be filled: {error!r}.", hint=hint) from error


def _slot(value: Any, pattern: str | None) -> Any:
    return _Part(value) if isinstance(value, dict) and pattern is None else write(value, pattern)


def _clause_of(tool: DeclaredTool, name: str, value: Any, dice: Dice) -> str:
    says = tool.says.get(name)
    if isinstance(says, Mapping):
        says = says.get(value)
    return (
        _filled(dice.pick(says), tool, {name: value})
        if says
        else f"with {plain(name)} {write(value, tool.writes.get(name))}"
    )


def _derived(tool: DeclaredTool, new: bool) -> Texts:
    """Requests made of the description; a tool without required arguments is asked for as if they were left out."""
    with_slots, without = (_NEW_REQUESTS, _NEW_VAGUE) if new else (_REQUESTS, _VAGUE)
    return tuple(_about(frame, tool) for frame in (with_slots if tool.required else without))


def _about(template: str, tool: DeclaredTool) -> str:
    said = clause(tool).replace("{", "(").replace("}", ")")
    slots = join([f"{plain(name)} {{{name}}}" for name in tool.required], "and")
    return template.format(clause=said, Clause=said[:1].upper() + said[1:], name=tool.name, slots=slots)
