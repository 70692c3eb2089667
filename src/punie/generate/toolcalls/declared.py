"""Tools as they are declared: the function in OpenAI's form, and what is known of how people speak of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from punie.errors import DataError
from punie.files import open_input
from punie.generate.toolcalls.schemas import Schema, prepared

_NAME = re.compile(r"[A-Za-z_][\w.-]{0,63}")
_PARAMETER = re.compile(r"[A-Za-z_][\w-]*")
_FEW = frozenset({"enum", "const", "examples"})
_BUILT_IN = Path(str(files("punie.generate.toolcalls") / "catalogue.yaml"))

Texts = tuple[str, ...]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str = "function"
    function: dict[str, Any]
    requests: Texts = ()
    new_requests: Texts = ()
    says: dict[str, Texts | dict[bool, Texts]] = {}
    writes: dict[str, str] = {}
    returns: dict[str, Any] = {}
    answers: Texts = ()
    held_out: bool = False
    catch_all: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class DeclaredTool:
    """A function with its schemas made ready to draw from. Where it has no texts of its own, `wording` derives them.

    `held_out`: never taught, for suites only. `catch_all`: it can do what others do, so that it is never offered where
    no tool is to fit.
    """

    function: Mapping[str, Any]
    parameters: Schema
    returns: Schema
    requests: Texts
    new_requests: Texts
    says: Mapping[str, Texts | Mapping[bool, Texts]]
    writes: Mapping[str, str]
    answers: Texts
    held_out: bool
    catch_all: bool

    @property
    def name(self) -> str:
        return self.function["name"]

    @property
    def required(self) -> Texts:
        return tuple(self.parameters.get("required", ()))

    @property
    def properties(self) -> Mapping[str, Schema]:
        return self.parameters.get("properties", {})

    @property
    def is_open(self) -> bool:
        """Whether its calls are too many for all of them to be taught."""
        schemas = [self.properties[name] for name in self.required]
        return any(not _FEW & schema.keys() and schema.get("type") not in ("boolean", "null") for schema in schemas)

    def declaration(self) -> dict[str, Any]:
        return {"type": "function", "function": dict(self.function)}


def load_tools(path: Path | None = None) -> tuple[DeclaredTool, ...]:
    """Read a JSON or YAML list of tools, or the built-in catalogue. A bare function stands for itself.

    Raises UsageError where there is no such file, DataError naming tool and key that cannot be drawn from.
    """
    source = path or _BUILT_IN
    with open_input(source) as file:
        try:
            entries = yaml.safe_load(file)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise DataError(f"Neither YAML nor JSON: {' '.join(str(error).split())}.", where=str(source)) from error
    if not isinstance(entries, list) or not entries:
        raise DataError("A list of tools is needed here.", where=str(source), hint=_FORM)
    tools = tuple(_tool(entry, f"{source}, tool {number}") for number, entry in enumerate(entries, start=1))
    _require_names(tools, str(source))
    return tools


_FORM = 'Write a list of {"type": "function", "function": {"name": ..., "description": ..., "parameters": {...}}}.'


def _tool(given: Any, where: str) -> DeclaredTool:
    bare = isinstance(given, Mapping) and "name" in given and "function" not in given
    try:
        entry = _Entry.model_validate({"function": given} if bare else given)
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.", where=where, hint=_FORM) from error
    name = entry.function.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise DataError(f"{name!r} is no name of a function.", where=where, hint=_FORM)
    parameters = prepared(entry.function.get("parameters") or {"type": "object"}, f"{where} ({name}), parameters")
    returns = prepared(entry.returns or _DONE, f"{where} ({name}), returns")
    if odd := [one for one in (*parameters.get("properties", ()), *returns.get("properties", ())) if not _is_slot(one)]:
        raise DataError(f"{odd[0]!r} cannot be a slot of a text.", where=where, hint="Use letters, digits, _ and -.")
    return DeclaredTool(
        function=entry.function,
        parameters=parameters,
        returns=returns,
        requests=entry.requests,
        new_requests=entry.new_requests,
        says=entry.says,
        writes=entry.writes,
        answers=entry.answers,
        held_out=entry.held_out,
        catch_all=entry.catch_all,
    )


def _is_slot(name: str) -> bool:
    return _PARAMETER.fullmatch(name) is not None


_DONE: Schema = {
    "type": "object",
    "properties": {"status": {"enum": ["done", "finished"]}, "reference": {"type": "string", "format": "ticket"}},
    "required": ["status", "reference"],
}


def _require_names(tools: Sequence[DeclaredTool], where: str) -> None:
    names = [tool.name for tool in tools]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"Two tools are called {twice[0]!r}.", where=where)
    if all(tool.held_out for tool in tools):
        raise DataError("Every tool is held out, so there is none to teach.", where=where)
