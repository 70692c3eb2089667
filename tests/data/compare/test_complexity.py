"""Complexity of code: equal to radon's on code that neither was written for."""

from __future__ import annotations

import gzip
import importlib.util
import json
import warnings
from pathlib import Path

import pytest
from radon.metrics import h_visit
from radon.visitors import ComplexityVisitor

from punie.data.compare.complexity import measure
from punie.files import read_jsonl

SHARED = Path(__file__).parents[4] / "shared/data"
MODULES = (
    "argparse ast bisect calendar collections csv dataclasses difflib enum functools heapq inspect textwrap typing"
)

ODD = [
    "",
    "x = 1",
    "def f():\n    def g():\n        if a and b: pass\n    return g",
    "class A:\n    if x:\n        def f(self): return 1 if a else 2\n    class B:\n        def g(self): return a or b",
    "class A(b and c, metaclass=d or e):\n    y = x and 1",
    "assert a and b, c or d",
    "def f():\n    assert a < b < c\n    class C:\n        z = 1 if a else 2",
    "@d(a and b)\ndef f(x=a or b) -> c and d: return x",
    "f = lambda x: x if x else -x",
    "match a:\n    case 1: x += 1\n    case [b, *_]: pass\n    case {'k': v, **r}: pass\n    case _: pass",
    "match a:\n    case b: pass",
    "try:\n    a\nexcept E as e:\n    b\nexcept F:\n    c\nelse:\n    d\nfinally:\n    e and f",
    "try:\n    a\nexcept* E:\n    b and c",
    "async def f():\n    async for x in y:\n        await x\n    else:\n        pass\n    async with a as b: pass",
    "for x in y:\n    while z: break\n    else: pass",
    "[a + b for a in b if c if d for e in f]\n{a: b for a in c}\n{a for a in b}\n(a for a in b)",
    "x = 'x' + x.x\nx = x == 'x' != 1 is True\nx = 1.0 + 1",
    "def f(a): return a + b\ndef g(a): return a + b",
    "x = -1 + ~y ** not_z\nx //= 3\nx @= a @ b",
    "with a as b, c and d: pass\nglobal_ = {**a, 'b': c}\nprint(f'{a + b!r:>{c and d}}')",
    "x = '\\d' + b'\\d'",
]


def radon(source: str) -> tuple[int, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ComplexityVisitor.from_code(source).total_complexity, h_visit(source).total.difficulty


def ours(source: str) -> tuple[int, float] | None:
    found = measure(source)
    return None if found is None else (found.cyclomatic, found.halstead_difficulty)


@pytest.mark.parametrize("source", ODD)
def test_odd_code_counts_as_radon_counts_it(source: str) -> None:
    """What is special about a construct in radon is special here."""
    assert ours(source) == radon(source)


@pytest.mark.parametrize("module", MODULES.split())
def test_a_module_of_the_standard_library_counts_as_radon_counts_it(module: str) -> None:
    """Whole modules agree to the last digit."""
    spec = importlib.util.find_spec(module)
    assert spec is not None
    source = Path(str(spec.origin)).read_text(encoding="utf-8")
    assert ours(source) == radon(source)


@pytest.mark.skipif(not SHARED.exists(), reason="the public rows are not here")
def test_reference_solutions_count_as_radon_counts_them() -> None:
    """All solutions of MBPP's second half and of HumanEval agree."""
    packed = gzip.decompress((SHARED / "humaneval/HumanEval.jsonl.gz").read_bytes()).splitlines()
    sources = [row["prompt"] + row["canonical_solution"] for row in map(json.loads, packed)]
    sources += [row["code"] for _, row in read_jsonl(SHARED / "mbpp/mbpp_511_974.jsonl")]
    assert [ours(source) for source in sources] == [radon(source) for source in sources]


@pytest.mark.parametrize("source", ["def", "print 'x'", "a\0b", "(" * 5000, "x = " + "-" * 5000 + "1"])
def test_what_is_not_python_has_no_complexity(source: str) -> None:
    """Source that cannot be parsed has no figure rather than a zero."""
    assert measure(source) is None


def test_overall_is_the_mean() -> None:
    """A loop without operators is as easy as 1.0: two paths and no difficulty."""
    found = measure("for x in y:\n    print(x)")
    assert found is not None
    assert (found.cyclomatic, found.halstead_difficulty, found.overall) == (2, 0.0, 1.0)
