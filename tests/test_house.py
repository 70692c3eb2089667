"""Facts about the repository that no other test would notice."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)==[\w.]+( ; [\w.' ()=<>!]+)?$")

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_lock_holds_exact_versions_and_nothing_else() -> None:
    """An installation takes its packages from the index its user chose, at the versions that were tested."""
    assert not [line for line in LOCK if not PIN.match(line)]


def test_the_lock_covers_every_dependency() -> None:
    """No direct dependency is left to whatever is newest on the day."""
    extras = PROJECT["optional-dependencies"].values()
    direct = [requirement for group in (PROJECT["dependencies"], *extras) for requirement in group]
    pinned = {match["name"] for line in LOCK if (match := PIN.match(line))}
    assert not {re.split(r"[^a-z0-9-]", requirement)[0] for requirement in direct} - pinned - {"punie"}


def test_the_bootstrap_speaks_python_3_9() -> None:
    """The python3 of a Mac can read the script that fetches a newer one."""
    path = ROOT / "tools" / "bootstrap.py"
    assert ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9)).body


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("test_*.py")), ids=lambda path: path.name)
def test_every_test_states_its_promise(path: Path) -> None:
    """The docstring of a test is the sentence that stays true while it passes."""
    tests = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if is_test(node)]
    assert not [node.name for node in tests if ast.get_docstring(node) is None]


def is_test(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
