"""Tool calls as Python writes them: [f(x=1), g()]."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from punie.conversation import ToolCall
from punie.syntax import UNPARSABLE, parse

_JSON_WORDS = {"true": True, "false": False, "null": None}


class NoCalls(ValueError):
    """`parses` says whether the text is Python at all."""

    def __init__(self, parses: bool) -> None:
        super().__init__()
        self.parses = parses


def read_python_calls(text: str) -> tuple[ToolCall, ...]:
    """A call, or a list of calls, with keyword arguments that are plain values. Raises NoCalls for anything else."""
    try:
        body = parse(text.strip()).body
    except UNPARSABLE as error:
        raise NoCalls(parses=False) from error
    match body:
        case [ast.Expr(value=ast.List(elts=[_, *_] as nodes))]:
            return tuple(map(_call, nodes))
        case [ast.Expr(value=ast.Call() as node)]:
            return (_call(node),)
    raise NoCalls(parses=True)


def write_python_calls(calls: Sequence[ToolCall]) -> str:
    return f"[{', '.join(map(_written, calls))}]"


def _written(call: ToolCall) -> str:
    return f"{call.name}({', '.join(f'{name}={value!r}' for name, value in call.arguments.items())})"


def _call(node: ast.expr) -> ToolCall:
    match node:
        case ast.Call(func=function, args=[], keywords=keywords):
            return ToolCall(_name(function), {_keyword(keyword): _value(keyword.value) for keyword in keywords})
    raise NoCalls(parses=True)


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=owner, attr=name):
            return f"{_name(owner)}.{name}"
    raise NoCalls(parses=True)


def _keyword(keyword: ast.keyword) -> str:
    if keyword.arg is None:
        raise NoCalls(parses=True)
    return keyword.arg


def _value(node: ast.expr | None) -> Any:
    """Tuples are lists, and the words of JSON are understood: models write both."""
    match node:
        case ast.Constant(value=None | bool() | int() | float() | str() as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_value(item) for item in items]
        case ast.Dict(keys=keys, values=values):
            return {_key(key): _value(value) for key, value in zip(keys, values, strict=True)}
        case ast.Name(id=word) if word in _JSON_WORDS:
            return _JSON_WORDS[word]
    raise NoCalls(parses=True)


def _key(node: ast.expr | None) -> str:
    match node:
        case ast.Constant(value=str() as key):
            return key
    raise NoCalls(parses=True)
