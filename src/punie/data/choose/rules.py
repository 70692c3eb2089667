"""What a row must be to be kept: small named rules, each None or a reason.

A rule sees the typed row and its bytes. It is made from a name and one plain value, so that a recipe can write it down,
another process can make it again, and the ledger can say which one spoke.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from punie.data.rows import Row
from punie.errors import UsageError

Positive = Annotated[int, Meta(ge=1)]
Names = Annotated[list[str], Meta(min_length=1)]


class Reason(NamedTuple):
    """What was measured, and the limit it missed."""

    value: Any
    threshold: Any


Check = Callable[[Row, bytes], Reason | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """A name, the plain value it was made from, and the question it asks of a row and its bytes."""

    name: str
    argument: Any
    check: Check


class TokenLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`limit` tokens of what a row says, counted with the tokenizer of `model` (a folder, or a name like tiny)."""

    limit: Positive
    model: str


def row_texts(row: Row, *, spoken: bool = False) -> list[str]:
    """Every content, in order; `spoken` leaves out what tools returned."""
    if row.prompt is not None and row.completion is not None:
        return [row.prompt, row.completion]
    if row.messages is not None:
        return [turn.content for turn in row.messages if turn.content and not (spoken and turn.role == "tool")]
    return [] if row.text is None else [row.text]


def make_rules(given: Sequence[tuple[str, Any]]) -> tuple[Rule, ...]:
    """Rules in the order given. Raises UsageError for an unknown name or a value of the wrong kind."""
    return tuple(make_rule(name, argument) for name, argument in given)


def make_rule(name: str, argument: Any) -> Rule:
    if name not in RULES:
        close = difflib.get_close_matches(name, RULES, n=1)
        hint = f"Did you mean {close[0]}?" if close else f"Rules: {', '.join(RULES)}."
        raise UsageError(f"There is no rule called {name!r}.", hint=hint)
    kind, make = RULES[name]
    try:
        value = msgspec.convert(argument, kind)
    except msgspec.ValidationError as error:
        raise UsageError(f"The rule {name} cannot take {argument!r}: {error}.", where=name) from error
    return Rule(name, argument, make(value))


def _min_messages(least: int) -> Check:
    """A prompt and its completion are two messages, a text is one."""

    def check(row: Row, raw: bytes) -> Reason | None:
        count = 2 if row.completion is not None else 1 if row.messages is None else len(row.messages)
        return None if count >= least else Reason(count, least)

    return check


def _min_chars(least: int) -> Check:
    def check(row: Row, raw: bytes) -> Reason | None:
        count = sum(map(len, row_texts(row)))
        return None if count >= least else Reason(count, least)

    return check


def _max_tokens(most: TokenLimit) -> Check:
    """Tokens as `stats` counts them: the chat template's own come on top."""
    from punie.data.look.tokens import TokenCounter, row_text
    from punie.workspace import resolve_model

    counter, decode = TokenCounter(resolve_model(most.model)), msgspec.json.Decoder().decode

    def check(row: Row, raw: bytes) -> Reason | None:
        if len(raw) <= most.limit:
            return None  # No token is shorter than a byte, and what is counted is only a part of the row.
        (count,) = counter.count([row_text(decode(raw))])
        return None if count <= most.limit else Reason(count, most.limit)

    return check


def _last_role(wanted: str) -> Check:
    def check(row: Row, raw: bytes) -> Reason | None:
        role = "assistant" if row.completion is not None else row.messages[-1].role if row.messages else None
        return None if role == wanted else Reason(role, wanted)

    return check


def _script(wanted: str) -> Check:
    from punie.data.choose.language import foreign_script

    def check(row: Row, raw: bytes) -> Reason | None:
        if row.messages is not None:  # A loop of its own: on most data this rule is all that there is to do.
            for turn in row.messages:
                if turn.content is not None and not turn.content.isascii():
                    break
            else:
                return None
        found = next(filter(None, map(foreign_script, row_texts(row))), None)
        return None if found is None else Reason(found, wanted)

    return check


def _language(wanted: str) -> Check:
    from punie.data.choose.language import check_language, other_language

    check_language(wanted)

    def check(row: Row, raw: bytes) -> Reason | None:
        found = other_language(row_texts(row, spoken=True), wanted)
        return None if found is None else Reason(found, wanted)

    return check


def _python(version: int) -> Check:
    from punie.data.choose.python_version import may_be_python2, python2_sign
    from punie.data.choose.snippets import snippets

    def check(row: Row, raw: bytes) -> Reason | None:
        if not may_be_python2(raw):
            return None
        found = (piece for text in row_texts(row) for piece in snippets(text) if piece.is_python)
        sign = next(filter(None, map(python2_sign, found)), None)
        return None if sign is None else Reason(sign, version)

    return check


def _code_parses(wanted: bool) -> Check:
    """Python only, and only where it is known where it begins and ends: a row without code has nothing to parse."""
    from punie.data.choose.python_version import syntax_problem
    from punie.data.choose.snippets import snippets

    def check(row: Row, raw: bytes) -> Reason | None:
        found = (piece for text in row_texts(row) for piece in snippets(text) if piece.is_python and piece.bounded)
        problem = next(filter(None, map(syntax_problem, found)), None)
        return None if problem is None else Reason(problem, "parses")

    return check


def _secrets(wanted: bool) -> Check:
    from punie.data.choose.secrets import find_secret

    def check(row: Row, raw: bytes) -> Reason | None:
        kind = find_secret(raw)
        return None if kind is None else Reason(kind, "none")

    return check


def _label(field: str) -> Callable[[list[str]], Check]:
    """A field of the row, or of its metadata, as importers leave it there."""
    decode = msgspec.json.Decoder().decode

    def make(wanted: list[str]) -> Check:
        allowed = frozenset(wanted)

        def check(row: Row, raw: bytes) -> Reason | None:
            whole = decode(raw)
            found = _at(whole, (field,))
            found = _at(whole, ("metadata", field)) if found is None else found
            return None if _spelt(found) in allowed else Reason(found, wanted)

        return check

    return make


def _where(wanted: Mapping[str, Any]) -> Check:
    """Every field has its value: `metadata.licence` goes into objects, `messages.0.role` into lists."""
    decode = msgspec.json.Decoder().decode
    paths = {field: tuple(field.split(".")) for field in wanted}

    def check(row: Row, raw: bytes) -> Reason | None:
        whole = decode(raw)
        for field, path in paths.items():
            found = _at(whole, path)
            if found != wanted[field] and _spelt(found) != _spelt(wanted[field]):
                return Reason(found, {field: wanted[field]})
        return None

    return check


def _at(value: Any, path: Sequence[str]) -> Any:
    for key in path:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _spelt(value: Any) -> str | None:
    """As it is typed on a command line: true, 3, easy."""
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


RULES: Mapping[str, tuple[Any, Callable[[Any], Check]]] = {
    "min_messages": (Positive, _min_messages),
    "last_role": (Literal["system", "user", "assistant", "tool"], _last_role),
    "min_chars": (Positive, _min_chars),
    "category": (Names, _label("category")),
    "difficulty": (Names, _label("difficulty")),
    "where": (Annotated[dict[str, Any], Meta(min_length=1)], _where),
    "script": (Literal["latin"], _script),
    "secrets": (Literal[True], _secrets),
    "python": (Literal[3], _python),
    "language": (str, _language),
    "require_code_parses": (Literal[True], _code_parses),
    "max_tokens": (TokenLimit, _max_tokens),
}
"""Every rule: the kind of value it is made from, and its maker. Cheap ones first, which is the command's order."""
