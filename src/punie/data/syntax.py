"""Python source as a tree, and what of a function stays the same when its names are changed."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from typing import Any

import xxhash

Function = ast.FunctionDef | ast.AsyncFunctionDef

_IGNORED = frozenset({"ctx", "annotation", "returns", "type_comment", "type_params", "kind"})
_REFUSALS = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What `ast.parse` raises at text that is not Python, has null bytes, or is nested too deeply."""


def parse(source: str) -> ast.Module | None:
    """The tree, or None where this is not Python 3. Escapes such as "\\d" bring no warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except _REFUSALS:
            return None


def functions(tree: ast.Module) -> list[Function]:
    """Functions at the top, and methods of classes at the top."""
    bodies = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef))]
    return [node for body in bodies for node in body if isinstance(node, Function)]


def outline(function: Function) -> tuple[str, ...]:
    """Cheap to compare: functions that are equal but for names have equal outlines."""
    return (
        str(len(function.args.args)),
        *(type(statement).__name__ for statement in _without_docstring(function.body)),
    )


def renamed_hash(tree: ast.AST) -> tuple[str, int]:
    """A hash of the tree that does not depend on the names it binds, and how many nodes it has.

    Names of functions, arguments and variables count by the order in which they first appear; attributes, imported and
    built-in names count as they are. Docstrings and annotations are left out.
    """
    bound = {name for node in ast.walk(tree) for name in _bound_names(node)}
    numbers: dict[str, str] = {}
    parts: list[str] = []
    count = 0
    for part in _spelled(tree):
        if isinstance(part, _Name):
            parts.append(numbers.setdefault(part, f"\0{len(numbers)}") if part in bound else str(part))
        else:
            parts.append(part)
            count += part.startswith("\1")
    return xxhash.xxh3_128_hexdigest("\2".join(parts).encode("utf-8", "surrogatepass")), count


class _Name(str):
    """A name in the source, in contrast to what the tree calls its own nodes."""


def _bound_names(node: ast.AST) -> tuple[str, ...]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
            return (name,)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return (name,)
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return (name,)
        case _:
            return ()


def _spelled(node: ast.AST) -> Iterator[str]:
    """Nodes in the order of the source, each with its fields; `\\1` begins a node."""
    waiting: list[Any] = [node]
    while waiting:
        value = waiting.pop()
        if isinstance(value, ast.AST):
            yield f"\1{type(value).__name__}"
            waiting.extend(reversed(_fields(value)))
        elif isinstance(value, list):
            yield f"[{len(value)}"
            waiting.extend(reversed(value))
        else:
            yield value if isinstance(value, _Name) else repr(value)


def _fields(node: ast.AST) -> list[Any]:
    fields = [(name, value) for name, value in ast.iter_fields(node) if name not in _IGNORED]
    return [_field(node, name, value) for name, value in fields]


def _field(node: ast.AST, name: str, value: Any) -> Any:
    if name == "body" and isinstance(value, list):
        return _without_docstring(value)
    if isinstance(value, str) and not isinstance(node, ast.Constant | ast.Attribute | ast.alias | ast.ImportFrom):
        return _Name(value)
    return value


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    match body:
        case [ast.Expr(value=ast.Constant(value=str())), *rest] if rest:
            return rest
        case _:
            return body
