"""Whether a value is what a JSON schema asks for (draft 2020-12, the keywords of `punie.generate.toolcalls.schemas`).

`format` is an annotation, as the standard has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from punie.generate.toolcalls.schemas import Schema


def fault(schema: Schema, value: Any, place: str = "$") -> str | None:
    """The first breach, with its place, or None."""
    return next(_faults(schema, value, place), None)


def _faults(schema: Schema, value: Any, place: str) -> Iterator[str]:
    kinds = schema.get("type")
    if kinds is not None and not any(_is_a(kind, value) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        yield f"{place} is {value!r}, not {kinds}"
        return
    if "enum" in schema and not any(_same(value, one) for one in schema["enum"]):
        yield f"{place} is {value!r}, none of {schema['enum']}"
    if "const" in schema and not _same(value, schema["const"]):
        yield f"{place} is {value!r}, not {schema['const']!r}"
    yield from _choice_faults(schema, value, place)
    match value:
        case bool() | None:
            return
        case int() | float():
            yield from _number_faults(schema, value, place)
        case str():
            yield from _text_faults(schema, value, place)
        case list():
            yield from _array_faults(schema, value, place)
        case dict():
            yield from _object_faults(schema, value, place)


def _is_a(kind: str, value: Any) -> bool:
    match kind:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return not isinstance(value, bool) and (
                isinstance(value, int) or (isinstance(value, float) and value % 1 == 0)
            )
        case "number":
            return not isinstance(value, bool) and isinstance(value, int | float)
        case "string":
            return isinstance(value, str)
        case "array":
            return isinstance(value, list)
    return isinstance(value, dict)


def _same(left: Any, right: Any) -> bool:
    """Equal as JSON: true is not 1."""
    return _written(left) == _written(right)


def _written(value: Any) -> bytes:
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    return msgspec.json.encode(whole, order="sorted")


def _choice_faults(schema: Schema, value: Any, place: str) -> Iterator[str]:
    for key, wanted in (("anyOf", "at least one"), ("oneOf", "exactly one")):
        if key in schema:
            fitting = sum(fault(one, value, place) is None for one in schema[key])
            if fitting == 0 or (key == "oneOf" and fitting > 1):
                yield f"{place} meets {fitting} choices of {key}, not {wanted}"


def _number_faults(schema: Schema, value: float, place: str) -> Iterator[str]:
    if value < schema.get("minimum", value) or value > schema.get("maximum", value):
        yield f"{place} is {value}, out of bounds"
    below, above = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if (below is not None and value <= below) or (above is not None and value >= above):
        yield f"{place} is {value}, out of bounds"
    if (step := schema.get("multipleOf")) and abs(value / step - round(value / step)) > 1e-9:
        yield f"{place} is {value}, no multiple of {step}"


def _text_faults(schema: Schema, value: str, place: str) -> Iterator[str]:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        yield f"{place} has {len(value)} characters"
    if "pattern" in schema and re.search(schema["pattern"], value) is None:
        yield f"{place} is {value!r}, which {schema['pattern']!r} does not match"


def _array_faults(schema: Schema, value: Sequence[Any], place: str) -> Iterator[str]:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        yield f"{place} has {len(value)} items"
    if schema.get("uniqueItems") and len({_written(one) for one in value}) < len(value):
        yield f"{place} has an item twice"
    for index, one in enumerate(value):
        yield from _faults(schema.get("items", {}), one, f"{place}[{index}]")


def _object_faults(schema: Schema, value: dict[str, Any], place: str) -> Iterator[str]:
    """Undeclared names are a fault even where the schema is silent about them: nobody declared such an argument."""
    properties = schema.get("properties", {})
    yield from (f"{place}.{name} is missing" for name in schema.get("required", ()) if name not in value)
    for name, one in value.items():
        if name in properties:
            yield from _faults(properties[name], one, f"{place}.{name}")
        elif properties or schema.get("additionalProperties") is False or place == "$":
            yield f"{place}.{name} is not declared"
