"""The Berkeley Function Calling Leaderboard: questions with declarations, and the right calls in a second file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from punie.conversation import ToolCall
from punie.data.fetch.importers.calls import call_message, with_tools
from punie.data.fetch.importers.row import CannotImport, Convert, Row, Source, imported, text_of
from punie.errors import UsageError
from punie.files import read_jsonl

_TYPES = {"dict": "object", "float": "number", "tuple": "array"}
_SCHEMAS_BY_NAME = ("properties", "$defs")


def converter_beside(path: Path) -> Convert:
    """Rows with the answers that lie beside the file. Raises UsageError where there are none."""
    known = answers_beside(path)
    return lambda source: _convert(source, known)


def answers_beside(path: Path) -> Mapping[Any, Any]:
    """Right calls by id, from NAME.answers.jsonl beside the file, or possible_answer/NAME.jsonl as upstream has them.

    Raises UsageError where neither is there.
    """
    places = [path.with_suffix(f".answers{path.suffix}"), path.parent / "possible_answer" / path.name]
    answers = next((place for place in places if place.is_file()), None)
    if answers is None:
        hint = f"Looked for {places[0].name} beside it and for possible_answer/{path.name}."
        raise UsageError("The answers to these questions are not there.", where=str(path), hint=hint)
    return {row.get("id"): row.get("ground_truth") for _, row in read_jsonl(answers)}


def asked(source: Source) -> Row:
    """Messages and tools of a question. Raises CannotImport where it has several turns."""
    turns = source.get("question")
    if not isinstance(turns, list) or len(turns) != 1:
        raise CannotImport("only questions of one turn can be imported")
    tools = [{**function, "parameters": json_schema(function["parameters"])} for function in source["function"]]
    return with_tools(turns[0], tools)


def require_declared(calls: Sequence[ToolCall], tools: Sequence[Mapping[str, Any]]) -> None:
    """Raises CannotImport where an answer uses what its question does not offer, which nobody should learn."""
    functions = [tool["function"] for tool in tools]
    declared = {function["name"]: function["parameters"]["properties"] for function in functions}
    for call in calls:
        if call.name not in declared:
            raise CannotImport(f"the answer calls {call.name}, which is not declared")
        if strange := [name for name in call.arguments if name not in declared[call.name]]:
            raise CannotImport(f"the answer gives {call.name} the argument {strange[0]}, which is not declared")


def _convert(source: Source, answers: Mapping[Any, Any]) -> Row:
    id, body = text_of(source, "id"), asked(source)
    truth = answers.get(id)
    if not truth:
        raise CannotImport(f"there is no answer to {id}")
    calls = [_call(call) for call in truth]
    require_declared(calls, body["tools"])
    return imported(
        {**body, "messages": [*body["messages"], call_message(calls)]},
        source,
        {"id", "question", "function"},
        origin="bfcl",
        id=id,
        category=id.rpartition("_")[0],
        licence="Apache-2.0",
        ground_truth=truth,
    )


def json_schema(node: Mapping[str, Any]) -> dict[str, Any]:
    """The leaderboard's types as JSON Schema has them: dict, float and tuple are renamed, any is no type at all."""
    schema = dict(node)
    kind = schema.pop("type", "any")
    if kind != "any":
        schema = {"type": _TYPES.get(kind, kind), **schema}
    for key in _SCHEMAS_BY_NAME:
        if isinstance(schema.get(key), Mapping):
            schema[key] = {name: json_schema(value) for name, value in schema[key].items()}
    if isinstance(schema.get("items"), Mapping):
        schema["items"] = json_schema(schema["items"])
    return schema


def _call(call: Mapping[str, Any]) -> ToolCall:
    """The first value that is allowed for each argument; an empty text first means that it is best left out."""
    ((name, allowed),) = call.items()
    chosen = {key: values[0] for key, values in allowed.items() if values and values[0] != ""}
    return ToolCall(name, {key: _chosen(value) for key, value in chosen.items()})


def _chosen(value: Any) -> Any:
    """Objects list the allowed values of their fields again."""
    if isinstance(value, Mapping):
        return {key: _chosen(allowed[0]) for key, allowed in value.items() if allowed and allowed[0] != ""}
    return value
