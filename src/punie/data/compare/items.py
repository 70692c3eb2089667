"""What a benchmark asks and answers, from the files it comes in: HumanEval, MBPP, BFCL, suites, dataset folders."""

from __future__ import annotations

import ast
import gzip
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from punie.data.compare.syntax import functions, parse
from punie.data.source import open_source, read_lines
from punie.errors import DataError, UsageError
from punie.files import decode_object, open_input

_PROMPTS = ("prompt", "text", "question", "instruction", "messages")
_SOLUTIONS = ("canonical_solution", "code", "solution", "completion")
_TESTS = ("test_list", "challenge_test_list", "tests", "test")
_ASSERT = re.compile(r"assert[ \t(][^\n]*")
_DOCTEST = re.compile(r"^\s*>>>.*(?:\n(?!\s*$).*)*", re.MULTILINE)
_CALLED = re.compile(r"assert\W+(?:\w+\.)*(\w+)\s*\(")


@dataclass(frozen=True, slots=True)
class Item:
    """One task. `prompt` is prose; `program` is the solution as a whole that can be parsed, where there is one."""

    id: str
    prompt: str
    solution: str = ""
    program: str = ""
    asserts: tuple[str, ...] = ()
    entry_point: str = ""

    def function(self) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """The function that is asked for: the one that tests call, or else the last one."""
        tree = parse(self.program)
        found = functions(tree) if tree is not None else []
        named = [function for function in found if function.name == self.entry_point]
        return next(iter(named or found[-1:]), None)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Tasks that models are scored on."""

    name: str
    items: tuple[Item, ...]

    @classmethod
    def of(cls, name: str, rows: Iterable[dict[str, Any]]) -> Benchmark:
        """From rows in the form of HumanEval, MBPP, BFCL, a suite's cases, or a dataset."""
        return cls(name, tuple(item_of(row, f"{name}/{number}") for number, row in enumerate(rows, start=1)))


def read_benchmark(path: Path) -> Benchmark:
    """Tasks of a benchmark's .jsonl or .jsonl.gz, of the test split of a dataset folder, or of a suite's .yaml.

    Raises UsageError where there is none of them, DataError where a file is broken or has no task.
    """
    benchmark = Benchmark.of(_name(path), _rows(path))
    if not any(item.prompt or item.solution or item.asserts for item in benchmark.items):
        raise DataError("There is no task in this benchmark.", where=str(path))
    return benchmark


def item_of(row: dict[str, Any], fallback: str) -> Item:
    """The task in a row, whose id is `task_id`, `id` or else the fallback, with the suite's name before it."""
    expected = row.get("expect")
    if isinstance(expected, dict):
        row = row | expected | {"tests": list(_written_tests(expected))}
    prompt = next((_said(row[key]) for key in _PROMPTS if row.get(key)), "")
    solution = next((row[key] for key in _SOLUTIONS if isinstance(row.get(key), str)), "") or _answered(row)
    program = prompt + solution if "canonical_solution" in row else solution
    tests = "\n".join(_lines(row.get(key)) for key in _TESTS)
    entry_point = str(row.get("entry_point") or next(iter(_CALLED.findall(tests)), ""))
    asserts = tuple(asserts_of(re.sub(r"\bcandidate\(", f"{entry_point}(", tests) if entry_point else tests))
    own = row.get("task_id", row.get("id"))
    name = fallback if own is None else f"{fallback.rpartition('/')[0]}/{own}"
    return Item(name, _prose(prompt), solution, program, asserts, entry_point)


def asserts_of(text: str) -> Iterator[str]:
    """Lines that assert something about a call, without white space."""
    if "assert" in text:
        yield from ("".join(found.split()) for found in _ASSERT.findall(text) if "(" in found)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if path.suffix in {".yaml", ".yml"}:
        yield from _suite_rows(path)
    elif path.name.endswith(".jsonl.gz"):
        yield from (decode_object(line, f"{path}:{number}") for number, line in _unpacked(path))
    else:
        splits = open_source(path).splits
        chosen = [splits["test"]] if "test" in splits else splits.values()
        for file in chosen:
            yield from (decode_object(line, f"{file}:{number}") for number, line in read_lines(file))


def _unpacked(path: Path) -> Iterator[tuple[int, bytes]]:
    with open_input(path) as packed:
        try:
            yield from enumerate(gzip.GzipFile(fileobj=packed), start=1)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DataError(f"Not a whole gzip file: {error}.", where=str(path)) from error


def _suite_rows(path: Path) -> Iterator[dict[str, Any]]:
    with open_input(path) as file:
        try:
            suite = yaml.safe_load(file.read())
        except yaml.YAMLError as error:
            raise UsageError(f"Not valid YAML: {error}.", where=str(path)) from error
    cases = suite.get("cases") if isinstance(suite, dict) else None
    if not isinstance(cases, list) or not all(isinstance(case, dict) for case in cases):
        raise UsageError("This suite lists no cases.", where=str(path), hint="A suite that draws its cases has a name.")
    yield from cases


def _name(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(path.suffix if path.suffix != ".gz" else ".jsonl")


def _said(value: Any) -> str:
    """A text, or what users say in messages, however deep the lists are nested."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return _said(value.get("content")) if value.get("role") == "user" else ""
    return "\n".join(filter(None, map(_said, value))) if isinstance(value, list) else ""


def _answered(row: Mapping[str, Any]) -> str:
    messages = row.get("messages")
    answers = messages if isinstance(messages, list) else []
    return "\n".join(str(turn.get("content") or "") for turn in answers if turn.get("role") == "assistant")


def _prose(prompt: str) -> str:
    """Of a prompt that is code, its docstrings without their examples."""
    tree = parse(prompt)
    documented = [ast.get_docstring(function) or "" for function in functions(tree)] if tree is not None else []
    return _DOCTEST.sub("", "\n".join(documented)) if documented else prompt


def _lines(value: Any) -> str:
    return value if isinstance(value, str) else "\n".join(map(str, value)) if isinstance(value, list) else ""


def _written_tests(expected: Mapping[str, Any]) -> Iterable[str]:
    for test in expected.get("tests") or ():
        arguments = ", ".join(map(repr, test.get("arguments", ())))
        yield f"assert {expected.get('entry_point')}({arguments}) == {test.get('returns')!r}"
