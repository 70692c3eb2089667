"""Cyclomatic complexity and Halstead difficulty of functions of the standard library: Punie beside radon."""

from __future__ import annotations

import ast
import json
import sysconfig
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from radon.metrics import h_visit_ast
from radon.visitors import ComplexityVisitor

from punie.data.compare.complexity import measure

SNIPPETS = 3000
RUNS = 3


def main() -> None:
    warnings.simplefilter("ignore")
    sources = list(snippets())[:SNIPPETS]
    differing = sum(own(source) != peer(source) for source in sources)
    rates = {"radon": rate(peer, sources), "punie": rate(own, sources)}
    mean = sum(map(len, sources)) / len(sources)
    print(f"{len(sources)} functions and classes, {mean:.0f} characters on average; figures that differ: {differing}")
    for name, value in rates.items():
        print(f"{name:<8} {value:8.0f} snippets per CPU-second   {value / rates['radon']:.1f} times radon")
    print(json.dumps({"snippets": len(sources), "differing": differing, "per_cpu_second": rates}))


def snippets() -> Iterator[str]:
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        source = path.read_text(encoding="utf-8")
        lines = source.splitlines(keepends=True)
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield "".join(lines[node.lineno - 1 : node.end_lineno])


def own(source: str) -> tuple[int, float]:
    found = measure(source)
    assert found is not None
    return found.cyclomatic, found.halstead_difficulty


def peer(source: str) -> tuple[int, float]:
    tree = ast.parse(source)
    return ComplexityVisitor.from_ast(tree).total_complexity, h_visit_ast(tree).total.difficulty


def rate(job: Callable[[str], object], sources: list[str]) -> float:
    """Snippets per CPU-second, the best of several runs."""
    return round(max(len(sources) / seconds(job, sources) for _ in range(RUNS)), 1)


def seconds(job: Callable[[str], object], sources: list[str]) -> float:
    start = time.process_time()
    for source in sources:
        job(source)
    return time.process_time() - start


if __name__ == "__main__":
    main()
