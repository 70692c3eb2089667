"""Functions: what is taught is what is tested."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from punie.generate import words
from punie.generate.families import FAMILIES, Family
from punie.generate.functions import Function, draw_function


def members(family: Family, count: int) -> list[Function]:
    rng = Random(family.key)
    return [Function(family, "f", rng.randint(2, 9), words.word(rng)) for _ in range(count)]


def defined(function: Function) -> Any:
    namespace: dict[str, Any] = {}
    exec(function.source, namespace)
    return namespace[function.name]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.key)
def test_a_body_does_what_its_rule_says(family: Family) -> None:
    """Written twice in different ways, a family gives the same value of the same type for every kind of input."""
    rng = Random(1)
    for function in members(family, 30):
        code = defined(function)
        for argument in [function.argument(rng) for _ in range(20)]:
            value, expected = code(argument), function.expected(argument)
            assert (type(value), value) == (type(expected), expected), (function.source, argument)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.key)
def test_no_constant_passes_the_tests_of_a_function(family: Family) -> None:
    """A function that returns the same whatever it is given fails at least one test of any two."""
    rng = Random(2)
    for function in members(family, 30):
        (_, first), *others = function.tests(rng, 2)
        assert any(value != first for _, value in others)


def test_inputs_lie_on_both_sides_of_the_edge() -> None:
    """An off-by-one is noticed: inputs hit the constant itself and its two neighbours."""
    rng = Random(3)
    greater = next(family for family in FAMILIES if family.key == "greater")
    function = Function(greater, "f", 12, "word")
    assert {11, 12, 13} <= {function.argument(rng) for _ in range(200)}


def test_families_are_told_apart_by_their_text() -> None:
    """No body and no description is another family's too, so what is held out under one name is taught under none."""
    assert len({(family.parameter, family.body) for family in FAMILIES}) == len(FAMILIES)
    assert len({family.description for family in FAMILIES}) == len(FAMILIES)
    assert len({family.key for family in FAMILIES}) == len(FAMILIES)


def test_a_family_has_one_constant() -> None:
    """The description names the constant that the body uses, and no other."""
    for family in FAMILIES:
        used = {slot for slot in ("{n}", "{w}") if slot in family.body}
        assert used == {slot for slot in ("{n}", "{w}") if slot in family.description}
        assert len(used) == 1


@pytest.mark.parametrize("held_out", [True, False])
def test_a_function_is_drawn_from_the_side_asked_for(held_out: bool) -> None:
    """The same family and constant are never drawn for both sides."""
    rng = Random(4)
    assert {draw_function(rng, held_out).is_held_out for _ in range(300)} == {held_out}
