"""Code under other names is the same code; other code is not."""

from __future__ import annotations

import pytest

from punie.data.compare.syntax import functions, outline, parse, renamed_hash

LOOP = 'def f(a):\n    """Doc."""\n    b = 0\n    for c in a:\n        b += len(c)\n    return b'


def spelled(source: str) -> tuple[str, int]:
    tree = parse(source)
    assert tree is not None
    return renamed_hash(tree)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("def total(words):\n  n = 0  # begin\n  for word in words: n += (len(word))\n  return n", True),
        ("def f(a: list[str]) -> int:\n    b = 0\n    for c in a:\n        b += len(c)\n    return b", True),
        (LOOP.replace("len", "sum"), False),
        (LOOP.replace("+=", "-="), False),
        (LOOP.replace("= 0", "= 1"), False),
        (LOOP.replace("return b", "return a"), False),
        (LOOP.replace("def f", "async def f"), False),
        (LOOP.replace("len(c)", "c.len()"), False),
        (LOOP + "\n    pass", False),
    ],
)
def test_names_alone_do_not_matter(other: str, same: bool) -> None:
    """Names, layout, comments, docstrings and annotations are free; anything else makes other code."""
    assert (spelled(other)[0] == spelled(LOOP)[0]) is same


def test_equal_functions_have_equal_outlines() -> None:
    """The outline never hides a function that is equal but for names."""
    one, other = parse(LOOP), parse("def total(words):\n  n = 0\n  for word in words: n += len(word)\n  return n")
    assert one is not None
    assert other is not None
    assert outline(functions(one)[0]) == outline(functions(other)[0])


def test_methods_are_functions_too() -> None:
    """Functions at the top and methods of classes at the top are listed; inner ones belong to theirs."""
    tree = parse("def a():\n    def b(): pass\nclass C:\n    async def d(self): pass")
    assert tree is not None
    assert [function.name for function in functions(tree)] == ["a", "d"]
