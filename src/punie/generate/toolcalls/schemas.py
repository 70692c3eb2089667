"""JSON schemas that values are drawn from: made ready once, and refused where a keyword would be passed over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from punie.errors import DataError

Schema = Mapping[str, Any]

_ANNOTATIONS = frozenset(
    {"title", "description", "default", "examples", "$defs", "definitions", "$schema", "deprecated"}
)
_ANYWHERE = frozenset({"type", "enum", "const", "anyOf", "oneOf", "format"})
_OF_TYPE = {
    "string": {"minLength", "maxLength", "pattern"},
    "integer": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
    "array": {"items", "minItems", "maxItems", "uniqueItems"},
    "object": {"properties", "required", "additionalProperties"},
    "boolean": set[str](),
    "null": set[str](),
}
_FORMS = {**dict.fromkeys(("enum", "examples", "required", "anyOf", "oneOf"), list), "properties": dict, "pattern": str}
_KNOWN = _ANNOTATIONS.union(_ANYWHERE, *_OF_TYPE.values())


def prepared(schema: Any, where: str) -> Schema:
    """The object schema with every reference within it replaced by what it names.

    Raises DataError at what is no object schema, at a keyword that is not understood, and at a schema within itself.
    """
    if not isinstance(schema, Mapping) or schema.get("type", "object") != "object":
        raise DataError("A JSON schema of an object is needed here.", where=where)
    return {"type": "object", **_resolved(schema, schema, where, ())}


def _resolved(schema: Any, root: Schema, where: str, within: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(schema, Mapping):
        raise DataError("A JSON schema is an object.", where=where)
    if (name := schema.get("$ref")) is not None:
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return _resolved({**_referred(name, root, where, within), **rest}, root, where, (*within, name))
    _require_known(schema, where)
    resolved = {key: value for key, value in schema.items() if key not in ("$defs", "definitions")}
    for key in ("anyOf", "oneOf"):
        if key in schema:
            resolved[key] = [_resolved(one, root, f"{where}.{key}", within) for one in schema[key]]
    if "items" in schema:
        resolved["items"] = _resolved(schema["items"], root, f"{where}.items", within)
    if "properties" in schema:
        inner = schema["properties"].items()
        resolved["properties"] = {name: _resolved(one, root, f"{where}.{name}", within) for name, one in inner}
    return resolved


def _referred(name: Any, root: Schema, where: str, within: tuple[str, ...]) -> Schema:
    if name in within:
        raise DataError(f"{name} holds itself.", where=where, hint="Declare the arguments to a finite depth.")
    found: Any = root
    for step in str(name).removeprefix("#/").split("/"):
        found = found.get(step) if isinstance(found, Mapping) else None
    if not str(name).startswith("#/") or not isinstance(found, Mapping):
        raise DataError(f"{name} names nothing in this schema.", where=where)
    return found


def _require_known(schema: Schema, where: str) -> None:
    for key, form in _FORMS.items():
        if not isinstance(schema.get(key, form()), form):
            raise DataError(f"{key!r} is {schema[key]!r}, no {form.__name__}.", where=where)
    _require_pattern(schema.get("pattern", ""), where)
    for key in schema:
        if key not in _KNOWN:
            raise DataError(f"The keyword {key!r} is not understood.", where=where, hint="Leave it out of this file.")
    names = schema.get("type", [])
    for name in names if isinstance(names, list) else [names]:
        if not isinstance(name, str) or name not in _OF_TYPE:
            raise DataError(f"{name!r} is no type of JSON.", where=where, hint=f"Types are {', '.join(_OF_TYPE)}.")
    if missing := [name for name in schema.get("required", ()) if name not in schema.get("properties", {})]:
        raise DataError(f"{missing[0]!r} is required and not declared.", where=where)


def _require_pattern(pattern: str, where: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise DataError(f"{pattern!r} is no regular expression: {error}.", where=where) from error
