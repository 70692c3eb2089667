"""A solution against its tests: assert lines, or check programs.

A program has asserts at top level, a `check(candidate)`, or functions called `test_...`. Asserts are taken apart
(`punie.sandbox.asserts`), so the values they expect never enter the child. What cannot be taken apart, for example a
loop around an assert, runs in the child as it stands; then the verdict is as good as the candidate is honest, and the
result is marked `in_process`.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from punie.sandbox.asserts import Check, Judge, assertion
from punie.sandbox.judge import CallResult, Ending, Execution, Ran, run_function
from punie.sandbox.limits import Limits
from punie.syntax import UNPARSABLE, parse

_PROBE, _PROBES = "_punie_probe", "_punie_probes"
_SHOWN = 200
_PLAIN = """
def _punie_plain(function):
    from punie.sandbox.plain import decode, encode
    return lambda *arguments, **options: decode(encode(function(*arguments, **options)))
{name} = _punie_plain({name})
"""
"""Results that are looked at in the child come as what leaves it: no object has a say in what it is equal to."""


@dataclass(frozen=True, slots=True)
class CheckProgram:
    """`setup` is run after the solution and before the checks."""

    setup: str
    checks: tuple[Check, ...]
    entry_point: str | None = None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Whether a check held, whether the candidate's process decided that, what came instead, and how it ended."""

    check: Check
    passed: bool
    in_process: bool
    detail: str = ""
    ending: Ending = Ending.RETURNED


def read_tests(tests: Sequence[str], entry_point: str | None = None) -> CheckProgram:
    """Take tests apart. Raises ValueError where they are no Python, or check nothing."""
    setup: list[str] = []
    checks: list[Check] = []
    for test in tests:
        statements = _statements(test)
        if _is_flat(statements):
            taken = [_take(node, entry_point) for node in statements]
            setup += [kept for kept, _ in taken if kept]
            checks += [check for _, found in taken for check in found]
        else:
            checks.append(_whole(test, f"exec({_explained(ast.Module(statements, []))!r}, globals())"))
    if not checks:
        raise ValueError("the tests check nothing")
    return CheckProgram("\n".join(setup), tuple(checks), entry_point)


def run_tests(
    solution: str, program: CheckProgram, limits: Limits | None = None, execution: Execution = "jail"
) -> Ran[CheckResult]:
    """One result for each check, all of them in one process. Raises SandboxError where the jail cannot be had.

    A result that is no plain data does not pass, wherever its check is decided.
    """
    setup = program.setup
    if program.entry_point and any(check.judge is None for check in program.checks):
        setup = _PLAIN.format(name=program.entry_point) + setup
    ran = _run(solution, setup, program.checks, limits, execution)
    results = tuple(_judged(check, call) for check, call in zip(program.checks, ran.results, strict=True))
    return Ran(results, ran.printed)


def _run(
    solution: str, setup: str, checks: Sequence[Check], limits: Limits | None, execution: Execution
) -> Ran[CallResult]:
    probes = "".join(f"    lambda: ({check.asked}),\n" for check in checks)
    source = f"{solution}\n\n{setup}\n\n{_PROBES} = [\n{probes}]\ndef {_PROBE}(number): return {_PROBES}[number]()\n"
    return run_function(source, _PROBE, [[number] for number in range(len(checks))], limits, execution)


def _judged(check: Check, call: CallResult) -> CheckResult:
    inside = check.judge is None
    if call.ending != Ending.RETURNED:
        return CheckResult(check, False, inside, f"{call.ending}: {call.detail}".removesuffix(": "), call.ending)
    if _holds(check.judge, call.value):
        return CheckResult(check, True, inside)
    return CheckResult(check, False, inside, "it is false" if inside else f"came {call.value!r}"[:_SHOWN])


def _holds(judge: Judge | None, value: Any) -> bool:
    if judge is None:
        return value is True
    try:
        return bool(judge(value))
    except (TypeError, OverflowError, RecursionError):
        return False


def _statements(test: str) -> list[ast.stmt]:
    """The test's statements, without the import of the solution, which is there already."""
    try:
        body = parse(test).body
    except UNPARSABLE as error:
        raise ValueError(f"a test is no Python: {error}") from error
    return [node for node in body if not _is_needless(node)]


def _is_needless(node: ast.stmt) -> bool:
    match node:
        case ast.ImportFrom(module="solution") | ast.Expr(value=ast.Constant()):
            return True
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
            return True
    return False


def _is_flat(statements: Sequence[ast.stmt]) -> bool:
    """Whether the asserts can be asked for one by one: what they need stands before the first of them."""
    plain = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign
    asserts = [isinstance(node, ast.Assert) for node in statements]
    first = asserts.index(True) if True in asserts else len(asserts)
    return all(isinstance(node, plain) for node in statements[:first]) and all(asserts[first:])


def _take(node: ast.stmt, entry_point: str | None) -> tuple[str, list[Check]]:
    """What the setup keeps of a statement, and the checks in it. A function of asserts alone leaves no trace inside."""
    match node:
        case ast.Assert():
            return "", [assertion(node)]
        case ast.FunctionDef(name="check", args=ast.arguments(args=[parameter])) if entry_point:
            return _take_function(node, parameter.arg, entry_point)
        case ast.FunctionDef(name=name, args=ast.arguments(args=[])) if name.startswith("test_"):
            return _take_function(node)
    return ast.unparse(node), []


def _take_function(node: ast.FunctionDef, parameter: str = "", argument: str = "") -> tuple[str, list[Check]]:
    body = [line for line in node.body if not isinstance(line, ast.Pass) and not _is_needless(line)]
    asserts = [line for line in body if isinstance(line, ast.Assert)]
    if len(asserts) == len(body):
        return "", [assertion(line, parameter, argument) for line in asserts]
    check = _whole(ast.unparse(node), f"{node.name}({argument})")
    return _explained(node), [check]


def _whole(text: str, call: str) -> Check:
    return Check(text.strip(), f"({call}, True)[1]")


def _explained(node: ast.AST) -> str:
    """The source, in which each assert that says nothing says what it asserts."""
    for part in ast.walk(node):
        if isinstance(part, ast.Assert):
            part.msg = part.msg or ast.Constant(ast.unparse(part))
    return ast.unparse(node)
