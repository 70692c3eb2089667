"""Tools: every phrasing can be answered, and new ones are new."""

from __future__ import annotations

import re
from itertools import combinations
from random import Random

import pytest

from punie.generate.holdout import is_held_out
from punie.generate.toolbox import TOOLS, offered_with
from punie.generate.tools import Tool


def normalised(template: str) -> str:
    """Lower case, without quotation marks, every slot alike."""
    return re.sub(r"\{\w+\}", "{}", template).replace('"', "").lower()


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_phrasing_names_every_argument_once(tool: Tool) -> None:
    """A request says all that its call needs."""
    parameters = sorted(name for name, _ in tool.parameters)
    for template in (*tool.taught, *tool.new):
        assert sorted(re.findall(r"\{(\w+)\}", template)) == parameters, template


def test_new_phrasings_are_new() -> None:
    """No new phrasing is a taught one, or has one in it, however it is cased and quoted."""
    for template in (template for tool in TOOLS for template in tool.new):
        assert not [known for tool in TOOLS for known in tool.taught if normalised(known) in normalised(template)]


def test_a_phrasing_belongs_to_one_tool() -> None:
    """No request could be answered with two different calls."""
    asked = [{normalised(template) for template in (*tool.taught, *tool.new)} for tool in TOOLS]
    assert not [first & second for first, second in combinations(asked, 2) if first & second]
    assert all(len(set(tool.sentences)) == len(tool.sentences) for tool in TOOLS)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
@pytest.mark.parametrize("held_out", [True, False])
def test_arguments_are_drawn_from_the_side_asked_for(tool: Tool, held_out: bool) -> None:
    """The same arguments are never drawn for both sides, and they are those that the schema declares."""
    rng = Random(1)
    for call in [tool.call(rng, held_out) for _ in range(40)]:
        assert is_held_out(call.name, *call.arguments.values()) is held_out
        assert list(call.arguments) == tool.schema()["function"]["parameters"]["required"]


def test_a_tool_is_offered_among_others() -> None:
    """The right tool is always there, in no fixed place, with one or two others and none twice."""
    rng = Random(2)
    offers = [offered_with(TOOLS[0], rng) for _ in range(200)]
    assert {len(offer) for offer in offers} == {2, 3}
    assert {offer.index(TOOLS[0]) for offer in offers} == {0, 1, 2}
    assert all(len({tool.name for tool in offer}) == len(offer) for offer in offers)
