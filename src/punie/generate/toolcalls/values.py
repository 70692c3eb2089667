"""Values drawn from a JSON schema: arguments that a person could mean, results that a program could return."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from punie.errors import DataError
from punie.generate.dice import Dice
from punie.generate.toolcalls.conformance import fault
from punie.generate.toolcalls.schemas import Schema
from punie.generate.words import FOLDERS, NAMES, WORDS

_PATIENCE = 200
_ENDINGS = ("py", "ts", "rs", "go", "c", "md", "yaml", "toml", "json")
_OPTIONAL = 0.4
"""How often an optional argument is given."""
_ASTRAY = 1000
"""How far from its only bound a number lies at most."""


def draw_object(schema: Schema, dice: Dice, whose: str) -> dict[str, Any]:
    """An object that conforms, its optional properties given or left out.

    Raises DataError where none comes up: a text with a pattern needs `examples` or an `enum`.
    """
    for _ in range(_PATIENCE):
        value = _object(schema, dice)
        if (wrong := fault(schema, value)) is None:
            return value
    raise DataError(f"No value was found for {whose}: {wrong}.", hint="Give the parameter `examples` or an `enum`.")


def _value(schema: Schema, name: str, dice: Dice) -> Any:
    if "const" in schema:
        return schema["const"]
    for chosen in ("enum", "examples"):
        if schema.get(chosen):
            return dice.pick(schema[chosen])
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return _value(dice.pick(schema[choice]), name, dice)
    kind = schema.get("type", "string")
    return _MAKERS[kind if isinstance(kind, str) else dice.pick(kind)](schema, name, dice)


def _object(schema: Schema, dice: Dice) -> dict[str, Any]:
    needed = schema.get("required", ())
    properties = schema.get("properties", {}).items()
    return {name: _value(one, name, dice) for name, one in properties if name in needed or dice.chance(_OPTIONAL)}


def _array(schema: Schema, name: str, dice: Dice) -> list[Any]:
    low = schema.get("minItems", 1)
    size = dice.count(low, min(schema.get("maxItems", low + 2), low + 2))
    item = schema.get("items", {})
    if schema.get("uniqueItems") and "enum" in item:
        return dice.some(item["enum"], size)
    return [_value(item, name.removesuffix("s"), dice) for _ in range(size)]


def _integer(schema: Schema, name: str, dice: Dice) -> int:
    low, high = _bounds(schema)
    step = int(schema.get("multipleOf", 1)) or 1
    first, last = -(-int(low) // step), int(high) // step
    return step * dice.count(first, max(first, last))


def _number(schema: Schema, name: str, dice: Dice) -> float:
    low, high = _bounds(schema)
    return dice.count(round(low * 10), round(high * 10)) / 10


def _bounds(schema: Schema) -> tuple[float, float]:
    """Both ends included for integers; numbers beside an excluded end are drawn again where they do not conform."""
    whole = schema.get("type") == "integer"
    low = schema.get("minimum", schema["exclusiveMinimum"] + whole if "exclusiveMinimum" in schema else None)
    high = schema.get("maximum", schema["exclusiveMaximum"] - whole if "exclusiveMaximum" in schema else None)
    if low is None:
        low = 0 if high is None or high > 0 else high - _ASTRAY
    return low, low + _ASTRAY if high is None else high


def _text(schema: Schema, name: str, dice: Dice) -> str:
    if (maker := _FORMATS.get(schema.get("format", ""))) is not None:
        return maker(dice)
    words = name.lower().replace("-", "_").split("_")
    return next((make(dice) for word in reversed(words) if (make := _NAMED.get(word)) is not None), _phrase(dice))


def _word(dice: Dice) -> str:
    return dice.pick(WORDS)


def _phrase(dice: Dice) -> str:
    return " ".join(dice.some(WORDS, dice.count(2, 4)))


def _folder(dice: Dice) -> str:
    return f"{dice.pick(FOLDERS)}/{_word(dice)}"


def _path(dice: Dice) -> str:
    return f"{_folder(dice)}/{_word(dice)}.{dice.pick(_ENDINGS)}"


def _file(dice: Dice) -> str:
    return f"{_word(dice)}.{dice.pick(_ENDINGS)}"


def _identifier(dice: Dice) -> str:
    return "_".join(dice.some(WORDS, 2))


def _branch(dice: Dice) -> str:
    return f"{dice.pick(('fix', 'feature', 'docs', 'chore', 'spike'))}/{'-'.join(dice.some(WORDS, 2))}"


def _date(dice: Dice) -> str:
    return f"20{dice.count(18, 29)}-{dice.count(1, 12):02d}-{dice.count(1, 28):02d}"


def _moment(dice: Dice) -> str:
    return f"{_date(dice)}T{dice.count(0, 23):02d}:{5 * dice.count(0, 11):02d}:00Z"


def _email(dice: Dice) -> str:
    return f"{dice.pick(NAMES).lower()}@{_word(dice)}.example"


def _url(dice: Dice) -> str:
    return f"https://{_word(dice)}.example/{_word(dice)}"


def _version(dice: Dice) -> str:
    return f"{dice.count(0, 9)}.{dice.count(0, 30)}.{dice.count(0, 9)}"


def _hexadecimal(dice: Dice, size: int) -> str:
    return "".join(dice.pick("0123456789abcdef") for _ in range(size))


def _commit(dice: Dice) -> str:
    return _hexadecimal(dice, 7)


def _uuid(dice: Dice) -> str:
    return "-".join(_hexadecimal(dice, size) for size in (8, 4, 4, 4, 12))


def _ticket(dice: Dice) -> str:
    return f"{_word(dice)[:3].upper()}-{dice.count(100, 9999)}"


def _name(dice: Dice) -> str:
    return dice.pick(NAMES)


def _package(dice: Dice) -> str:
    return "-".join(dice.some(WORDS, dice.count(1, 2)))


_FORMATS: Mapping[str, Callable[[Dice], str]] = {
    "date": _date,
    "date-time": _moment,
    "email": _email,
    "uri": _url,
    "uuid": _uuid,
    "version": _version,
    "ticket": _ticket,
}
_NAMED: Mapping[str, Callable[[Dice], str]] = {
    **dict.fromkeys(("path", "filepath"), _path),
    **dict.fromkeys(("file", "filename"), _file),
    **dict.fromkeys(("folder", "directory", "dir"), _folder),
    **dict.fromkeys(("url", "uri", "link"), _url),
    **dict.fromkeys(("symbol", "function", "identifier", "variable"), _identifier),
    **dict.fromkeys(("assignee", "author", "user", "owner", "person"), _name),
    **dict.fromkeys(("commit", "sha", "hash"), _commit),
    **dict.fromkeys(("name", "key", "tag", "host", "city"), _word),
    "branch": _branch,
    "date": _date,
    "email": _email,
    "version": _version,
    "package": _package,
    "id": _ticket,
}
_MAKERS: Mapping[str, Callable[[Schema, str, Dice], Any]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": lambda schema, name, dice: dice.coin(),
    "null": lambda schema, name, dice: None,
    "array": _array,
    "object": lambda schema, name, dice: _object(schema, dice),
}
