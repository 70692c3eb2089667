"""An assert taken apart: what the child computes, and the comparison that is made outside.

`assert f(2) == 4` asks the child for `f(2)` and compares with 4 here. Where no side is a literal, or where a function
of the test decides, nothing can be held back: the child computes the truth of the whole condition.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

Judge = Callable[[Any], bool]
Question = tuple[ast.expr, Judge]

_ORDERS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}
_IDENTITIES: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {ast.Is: operator.is_, ast.IsNot: operator.is_not}
_DECIDING = frozenset({"all", "any", "bool", "isinstance", "issubclass", "callable", "hasattr", "eval"})
"""Calls that decide by themselves, with the expected value among their arguments."""
_NO_LITERAL = (ValueError, TypeError, SyntaxError, MemoryError, RecursionError)


@dataclass(frozen=True, slots=True)
class Check:
    """`asked` is an expression for the child: what `judge` compares, or, without one, True when the check holds."""

    text: str
    """The assert as it was written, or the test that cannot be taken apart."""
    asked: str
    judge: Judge | None = None


def assertion(node: ast.Assert, parameter: str = "", argument: str = "") -> Check:
    """One assert; `argument` is what the expression `argument` of a `check(parameter)` is called with."""

    def bound(expression: str) -> str:
        return f"(lambda {parameter}: {expression})({argument})" if parameter else expression

    text, question = ast.unparse(node), _take_apart(node.test)
    if question is None:
        return Check(text, bound(f"bool({ast.unparse(node.test)})"))
    asked, judge = question
    return Check(text, bound(ast.unparse(asked)), judge)


def _take_apart(test: ast.expr) -> Question | None:
    match test:
        case ast.Compare(left=ast.Call(func=ast.Name(id="abs"), args=[distance]), ops=[order], comparators=[limit]):
            return _near(distance, order, limit)
        case ast.Compare(left=left, ops=[order], comparators=[right]):
            return _compared(left, order, right)
        case ast.Call(func=ast.Name(id="isclose") | ast.Attribute(attr="isclose"), args=[got, expected]):
            return _close(got, expected, test.keywords)
        case ast.UnaryOp(op=ast.Not(), operand=ast.Call(func=ast.Name(id=name)) as call) if name not in _DECIDING:
            return call, operator.not_
        case ast.Call(func=ast.Name(id=name)) if name not in _DECIDING:
            return test, bool
        case ast.Constant(value=value):
            return ast.Constant(value=None), lambda _: bool(value)
    return None


def _compared(left: ast.expr, order: ast.cmpop, right: ast.expr) -> Question | None:
    """`result == literal`, either way round."""
    for asked, other, turned in ((left, right, False), (right, left, True)):
        if (literal := _literal(other)) is not None:
            judge = _judge(order, literal[0], turned)
            return None if judge is None else (asked, judge)
    return None


def _judge(order: ast.cmpop, expected: Any, turned: bool) -> Judge | None:
    """None where a result's identity would be lost on its way out: only None, True and False keep it."""
    orders = _ORDERS | _IDENTITIES if expected is None or isinstance(expected, bool) else _ORDERS
    compare = orders.get(type(order))
    if compare is None:
        return None
    return partial(compare, expected) if turned else lambda got: compare(got, expected)


def _near(distance: ast.expr, order: ast.cmpop, limit: ast.expr) -> Question | None:
    """`abs(result - literal) < literal`."""
    compare = _ORDERS.get(type(order))
    match distance:
        case ast.BinOp(left=got, op=ast.Sub(), right=expected) if compare is not None:
            values = _numbers(expected, limit)
            return None if values is None else (got, lambda value: compare(abs(value - values[0]), values[1]))
    return None


def _close(got: ast.expr, expected: ast.expr, options: Sequence[ast.keyword]) -> Question | None:
    """`math.isclose(result, literal, rel_tol=literal)`."""
    names = [option.arg for option in options]
    values = _numbers(expected, *(option.value for option in options))
    if values is None or not set(names) <= {"rel_tol", "abs_tol"}:
        return None
    named = dict(zip(map(str, names), values[1:], strict=True))
    return got, lambda value: math.isclose(value, values[0], **named)


def _literal(node: ast.expr) -> tuple[Any] | None:
    """The value in a tuple of its own, since None is a value."""
    try:
        return (ast.literal_eval(node),)
    except _NO_LITERAL:
        return None


def _numbers(*nodes: ast.expr) -> list[float] | None:
    values = [literal[0] for node in nodes if (literal := _literal(node)) is not None]
    numbers = [value for value in values if isinstance(value, int | float)]
    return numbers if len(numbers) == len(nodes) else None
