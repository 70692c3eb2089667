"""Phrasings: noise around the slots, never in them."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from punie.generate.phrasing import decorate, disturb, fill
from punie.generate.toolbox import TOOLS

TEMPLATES = st.sampled_from([template for tool in TOOLS for template in tool.taught])
WORDS = st.lists(st.sampled_from(["read", "the", "file", "{path}", '"{text}"', "{text}.", "to", "now"]), min_size=1)
SEEDS = st.integers(0, 2**32)


def slots_with_neighbours(template: str) -> list[tuple[str, str, str]]:
    words = ["", *template.split(" "), ""]
    return [(words[i - 1], words[i], words[i + 1]) for i in range(1, len(words) - 1) if "{" in words[i]]


@given(TEMPLATES | WORDS.map(" ".join), SEEDS)
def test_disturbing_leaves_slots_alone(template: str, seed: int) -> None:
    """Every slot stays, in its order, with what is written around it and the words beside it."""
    assert slots_with_neighbours(disturb(template, Random(seed))) == slots_with_neighbours(template)


def test_disturbing_disturbs() -> None:
    """A template with free words does not stay as it is; one without them does."""
    disturbed = {disturb("please open the old file {path}", Random(seed)) for seed in range(50)}
    assert len(disturbed) > 25
    assert disturb("Open {path}.", Random(1)) == "Open {path}."


@given(TEMPLATES, SEEDS)
def test_decorating_only_adds(template: str, seed: int) -> None:
    """Whatever is said before or after, the template stands in it unchanged."""
    assert template in decorate(template, Random(seed))


def test_a_slot_takes_any_text() -> None:
    """Braces in an argument are text, not slots."""
    assert fill('Say "{text}".', {"text": "{path} {0}"}) == 'Say "{path} {0}".'
