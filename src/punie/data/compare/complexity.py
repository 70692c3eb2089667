"""How branched and how dense Python source is: cyclomatic complexity and Halstead difficulty, in one walk.

Both count as radon 6.0.1 does (`ComplexityVisitor.total_complexity` and `h_visit(...).total.difficulty`), oddities
included, so that figures can be compared with published ones: functions inside functions and classes inside classes do
not branch, what an assert asks does not either, and Halstead's operators are those of expressions alone.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from punie.data.compare.syntax import parse


@dataclass(frozen=True, slots=True)
class Complexity:
    """`cyclomatic` is decisions + 1 over the whole source; the other four are Halstead's counts."""

    cyclomatic: int
    distinct_operators: int
    distinct_operands: int
    operators: int
    operands: int

    @property
    def halstead_difficulty(self) -> float:
        """Distinct operators / 2 * operands / distinct operands; 0 without operands."""
        if not self.distinct_operands:
            return 0.0
        return self.distinct_operators * self.operands / (2 * self.distinct_operands)

    @property
    def overall(self) -> float:
        """The mean of cyclomatic complexity and Halstead difficulty."""
        return (self.cyclomatic + self.halstead_difficulty) / 2


def measure(source: str) -> Complexity | None:
    """None where the source is not Python 3."""
    tree = parse(source)
    return None if tree is None else measure_tree(tree)


def measure_tree(tree: ast.Module) -> Complexity:
    """Complexity of source that is parsed already."""
    counts = _Counts()
    waiting = [_Scope("module", None, True, tree.body)]
    while waiting:
        _walk(waiting.pop(), counts, waiting)
    return Complexity(
        cyclomatic=1 + counts.decisions,
        distinct_operators=len(counts.operator_kinds),
        distinct_operands=len(counts.named_operands) + counts.other_operands,
        operators=counts.operators,
        operands=counts.operands,
    )


@dataclass(slots=True)
class _Counts:
    decisions: int = 0
    operators: int = 0
    operands: int = 0
    other_operands: int = 0
    operator_kinds: set[type] = field(default_factory=set)
    named_operands: set[tuple[str | None, Any]] = field(default_factory=set)


class _Scope(NamedTuple):
    """Nodes that belong to one body. Equal operands of two contexts are two; only `counted` nodes decide."""

    kind: str
    context: str | None
    counted: bool
    nodes: list[Any]


def _walk(scope: _Scope, counts: _Counts, waiting: list[_Scope]) -> None:
    """Count one scope; the scopes inside it are put on the waiting list."""
    stack = scope.nodes.copy()
    decisions = 0
    while stack:
        node = stack.pop()
        kind = node.__class__
        if (fields := _CHILDREN.get(kind)) is None:
            continue
        if kind in _COUNTED:
            if kind in _DECISIONS:
                decisions += _DECISIONS[kind](node)
            elif kind in _INNER:
                decisions += _INNER[kind](node, scope, waiting)
                continue
            if kind in _OPERATIONS:
                _count_operation(*_OPERATIONS[kind](node), scope.context, counts)
        for name in fields:
            child = getattr(node, name)
            if child.__class__ is list:
                stack += child
            elif child.__class__ not in _ENDS:
                stack.append(child)
    counts.decisions += decisions * scope.counted


def _count_operation(operators: list[ast.AST], operands: list[ast.expr], context: str | None, counts: _Counts) -> None:
    """An operand without a name or a value of its own is different from every other one."""
    counts.operators += len(operators)
    counts.operands += len(operands)
    counts.operator_kinds.update(map(type, operators))
    for operand in operands:
        if (name := _NAMES.get(operand.__class__)) is None:
            counts.other_operands += 1
        else:
            counts.named_operands.add((context, getattr(operand, name)))


def _enter_function(node: Any, scope: _Scope, waiting: list[_Scope]) -> int:
    """A method is a path of its own; decorators, defaults and annotations are not looked at."""
    counted = scope.counted and scope.kind != "function"
    waiting.append(_Scope("function", node.name, counted, node.body))
    return int(scope.kind == "class")


def _enter_class(node: ast.ClassDef, scope: _Scope, waiting: list[_Scope]) -> int:
    waiting.append(_Scope("class", scope.context, scope.counted and scope.kind == "module", node.body))
    heading = [*node.bases, *node.keywords, *node.decorator_list]
    waiting.append(scope._replace(counted=False, nodes=heading))
    return 0


def _enter_assert(node: ast.Assert, scope: _Scope, waiting: list[_Scope]) -> int:
    waiting.append(scope._replace(counted=False, nodes=[node.test, node.msg]))
    return 1


def _cases(node: ast.Match) -> int:
    """The last resort, `case _` or `case name`, is no decision."""
    last_resort = any(getattr(case.pattern, "pattern", False) is None for case in node.cases)
    return max(0, len(node.cases) - last_resort)


_DECISIONS: dict[type, Callable[[Any], int]] = {
    ast.If: lambda node: 1,
    ast.IfExp: lambda node: 1,
    ast.For: lambda node: 1 + bool(node.orelse),
    ast.AsyncFor: lambda node: 1 + bool(node.orelse),
    ast.While: lambda node: 1 + bool(node.orelse),
    ast.Try: lambda node: len(node.handlers) + bool(node.orelse),
    ast.BoolOp: lambda node: len(node.values) - 1,
    ast.comprehension: lambda node: 1 + len(node.ifs),
    ast.Match: _cases,
}
_INNER: dict[type, Callable[[Any, _Scope, list[_Scope]], int]] = {
    ast.FunctionDef: _enter_function,
    ast.AsyncFunctionDef: _enter_function,
    ast.ClassDef: _enter_class,
    ast.Assert: _enter_assert,
}
_OPERATIONS: dict[type, Callable[[Any], tuple[list[ast.AST], list[ast.expr]]]] = {
    ast.BinOp: lambda node: ([node.op], [node.left, node.right]),
    ast.UnaryOp: lambda node: ([node.op], [node.operand]),
    ast.BoolOp: lambda node: ([node.op], node.values),
    ast.AugAssign: lambda node: ([node.op], [node.target, node.value]),
    ast.Compare: lambda node: (node.ops, [node.left, *node.comparators]),
}
_COUNTED = frozenset({*_DECISIONS, *_INNER, *_OPERATIONS})
_NAMES = {ast.Name: "id", ast.Attribute: "attr", ast.Constant: "value"}
_LEAVES = (ast.Name, ast.Constant, ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context, ast.alias)
_ENDS = frozenset({ast.Name, ast.Constant, type(None)})
"""Nothing stands below them, and more than half of all children are such."""
_NOT_NODES = frozenset("op ops ctx id attr arg kind type_comment module level is_async simple conversion".split())
_CHILDREN: dict[type, tuple[str, ...]] = {
    kind: tuple(name for name in kind._fields if name not in _NOT_NODES)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST) and not issubclass(kind, _LEAVES)
}
