"""Measures that need no model: complexity of code, its nesting, its length, and any number a row says of itself.

The overall metric is that of Yamani et al. (arXiv 2407.10194): the mean of cyclomatic complexity and Halstead
difficulty, both as radon counts them.
"""

from __future__ import annotations

import ast
import math
import platform
from collections.abc import Callable, Mapping

from punie import __version__
from punie.curriculum.code import PYTHON, answer_of, python_tree
from punie.curriculum.languages import other_language
from punie.curriculum.measure import Figure, Measure, Unscored
from punie.data.compare.complexity import Complexity, measure_tree
from punie.data.schema import row_label
from punie.data.source import SourceRow
from punie.errors import UsageError

FIELD = "field:"
_RADON = "radon 6.0.1"


def static_measure(name: str, language: str = PYTHON) -> Measure:
    """A measure by its name. Raises UsageError where nobody knows it, or it does not go with the language."""
    if name.startswith(FIELD):
        return Measure(name, {}, _labelled(name.removeprefix(FIELD)))
    if name == "length":
        return Measure(name, _own({}), lambda row: float(len(answer_of(row))))
    if (of_tree := _OF_TREES.get(name)) is None:
        raise UsageError(f"There is no measure called {name!r}.", hint=f"Known: {', '.join(MEASURES)}.")
    if language == PYTHON:
        made_with = {"counts as": _RADON} if name in _OF_COMPLEXITY else {}
        return Measure(name, _own({"python": platform.python_version(), **made_with}), _of_python(of_tree))
    if name != "cyclomatic":
        raise UsageError(
            f"{name} is measured for Python only.", hint="For other languages: cyclomatic, length, loss, failure_rate."
        )
    counted = other_language(language)
    return Measure(name, counted.made_with, counted.cyclomatic)


def _own(others: Mapping[str, str]) -> dict[str, str]:
    return {"punie": __version__, **others}


def _of_python(of_tree: Callable[[ast.Module], float]) -> Callable[[SourceRow], Figure]:
    def figure(row: SourceRow) -> Figure:
        tree = python_tree(row)
        return tree if isinstance(tree, Unscored) else of_tree(tree)

    return figure


def _of_complexity(part: Callable[[Complexity], float]) -> Callable[[ast.Module], float]:
    return lambda tree: float(part(measure_tree(tree)))


def _labelled(field: str) -> Callable[[SourceRow], Figure]:
    def figure(row: SourceRow) -> Figure:
        value = row_label(row.row, field)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
        return Unscored(f"no {field} in the row" if value is None else f"{field} is no number")

    return figure


def nesting(tree: ast.AST) -> float:
    """How many blocks the deepest statement stands in: functions, classes, loops, branches; an elif is no deeper."""
    deepest, waiting = 0, [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        inner = depth + isinstance(node, _BLOCKS)
        deepest = max(deepest, inner)
        waiting.extend((child, depth if _continues(node, child) else inner) for child in ast.iter_child_nodes(node))
    return float(deepest)


def _continues(node: ast.AST, child: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]


_BLOCKS = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For, ast.AsyncFor, ast.While, ast.If),
    *(ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match),
)
_OF_COMPLEXITY: Mapping[str, Callable[[ast.Module], float]] = {
    "overall": _of_complexity(lambda found: found.overall),
    "cyclomatic": _of_complexity(lambda found: found.cyclomatic),
    "halstead": _of_complexity(lambda found: found.halstead_difficulty),
}
_OF_TREES: Mapping[str, Callable[[ast.Module], float]] = {**_OF_COMPLEXITY, "nesting": nesting}
MEASURES = (*_OF_TREES, "length", f"{FIELD}NAME", "loss", "failure_rate")
"""All there are; the last two ask a model."""
