"""Python source as a tree, and what of a function stays the same when its names are changed."""

from __future__ import annotations

import ast
import warnings
from typing import Any

import xxhash

Function = ast.FunctionDef | ast.AsyncFunctionDef

SMALLEST = 16
"""Nodes of a tree below which equal code is a coincidence: a function that adds two numbers has 9."""

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
    spelling = _Spelling()
    spelling.spell(tree)
    parts, numbers = spelling.parts, dict[str, str]()
    for place in spelling.names:
        if (name := parts[place]) in spelling.bound:
            parts[place] = numbers.setdefault(name, f"\0{len(numbers)}")
    return xxhash.xxh3_128_hexdigest("\1".join(parts).encode("utf-8", "surrogatepass")), spelling.nodes


class _Spelling:
    """A tree as a list of texts, in the order of the source, with the places at which names stand."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.names: list[int] = []
        self.bound: set[str] = set()
        self.nodes = 0

    def spell(self, root: ast.AST) -> None:
        waiting: list[Any] = [root]
        while waiting:
            value = waiting.pop()
            if isinstance(value, ast.AST):
                waiting.extend(reversed(self._enter(value)))
            elif value.__class__ is list:
                self.parts.append(f"[{len(value)}")
                waiting.extend(reversed(value))
            else:
                self.parts.append(repr(value))

    def _enter(self, node: ast.AST) -> list[Any]:
        """Spell a node and its names; its other fields are returned."""
        kind = type(node)
        self.parts.append(kind.__name__)
        self.nodes += 1
        if (field := _NAMED.get(kind)) is not None and isinstance(name := getattr(node, field), str):
            if kind is not ast.Name or not isinstance(node.ctx, ast.Load):  # ty: ignore[missing-attribute]
                self.bound.add(name)
            self.names.append(len(self.parts))
            self.parts.append(name)
        return [
            _without_docstring(getattr(node, name)) if name == "body" else getattr(node, name) for name in _FIELDS[kind]
        ]


_NAMED: dict[type, str] = {
    ast.Name: "id",
    ast.arg: "arg",
    ast.FunctionDef: "name",
    ast.AsyncFunctionDef: "name",
    ast.ClassDef: "name",
    ast.ExceptHandler: "name",
    ast.MatchAs: "name",
    ast.MatchStar: "name",
}
_FIELDS: dict[type, tuple[str, ...]] = {
    kind: tuple(name for name in kind._fields if name not in _IGNORED and name != _NAMED.get(kind))
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
}


def _without_docstring(body: Any) -> Any:
    """The body of a lambda or of a conditional expression is no list, and stays."""
    match body:
        case [ast.Expr(value=ast.Constant(value=str())), *rest] if rest:
            return rest
        case _:
            return body
