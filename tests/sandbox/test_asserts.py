"""Asserts taken apart: the result is asked for, the expected value stays here."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from punie.sandbox.asserts import Check, assertion


def check(line: str) -> Check:
    statement = ast.parse(line).body[0]
    assert isinstance(statement, ast.Assert)
    return assertion(statement)


@pytest.mark.parametrize(
    ("line", "asked", "right", "wrong"),
    [
        ("assert f(2) == 4", "f(2)", 4, 5),
        ("assert 4 == f(2)", "f(2)", 4, 5),
        ("assert f(2) != -1", "f(2)", 1, -1),
        ("assert 3 < f(2)", "f(2)", 4, 3),
        ("assert f(2) >= 3", "f(2)", 3, 2),
        ("assert f(2) is None", "f(2)", None, 0),
        ("assert f(2) is not True", "f(2)", False, True),
        ("assert f(2) in [1, 2]", "f(2)", 2, 3),
        ("assert 'a' in f(2)", "f(2)", "cat", "dog"),
        ("assert sorted(f(2)) == [1, 2], 'unsorted'", "sorted(f(2))", [1, 2], [2]),
        ("assert abs(f(2) - 0.5) < 1e-3", "f(2)", 0.5004, 0.502),
        ("assert math.isclose(f(2), 0.5, rel_tol=0.01)", "f(2)", 0.501, 0.6),
        ("assert f(2)", "f(2)", [0], []),
        ("assert not f(2)", "f(2)", "", "x"),
        ("assert f(2) == {1: (2, 3)}", "f(2)", {1: (2, 3)}, {1: [2, 3]}),
    ],
)
def test_a_literal_stays_outside(line: str, asked: str, right: object, wrong: object) -> None:
    """The child is asked for the other side alone, and the comparison made here is the one that was written."""
    taken = check(line)
    assert taken.asked == asked
    assert taken.judge is not None
    assert taken.judge(right)
    assert not taken.judge(wrong)


@pytest.mark.parametrize(
    "line",
    [
        "assert f(2) == g(2)",
        "assert any(f(2))",
        "assert isinstance(f(2), int)",
        "assert f(1) < f(2) < 3",
        "assert f(2) == 1 or f(2) == 2",
        "assert abs(f(2) - g(2)) < 0.1",
    ],
)
def test_what_cannot_be_held_back_is_said(line: str) -> None:
    """A condition without one literal to hold back is decided in the child, and has no judge."""
    taken = check(line)
    assert taken.judge is None
    assert taken.asked == f"bool({line.removeprefix('assert ')})"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.tuples(inner)
    )
)
def test_any_literal_is_recognised(value: object) -> None:
    """Whatever plain value a test expects, it is held back, and equals itself."""
    taken = check(f"assert f() == {value!r}")
    assert taken.asked == "f()"
    assert taken.judge is not None
    assert taken.judge(value)
