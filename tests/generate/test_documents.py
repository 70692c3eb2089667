"""Pretraining text: all the skills, nothing that is asked later."""

from __future__ import annotations

import re
from itertools import islice

import pytest

from punie.files import hash_value
from punie.generate.documents import draw_documents
from punie.generate.toolbox import TOOLS

from .reading import functions_described_in, functions_in, held_out_content


@pytest.fixture(scope="module")
def documents() -> list[str]:
    return list(islice(draw_documents(7), 6000))


def longest_piece(template: str) -> str:
    """The longest text between the slots of a phrasing."""
    return max(re.split(r"\{\w+\}", template), key=len)


def test_the_text_of_a_seed_never_changes() -> None:
    """The embedded model can be made again: its seed still draws the text that it was trained on."""
    first = hash_value(list(islice(draw_documents(1), 200)))
    assert first == "6ed99aac385b64b6f9d97343e2e5ba06becdcbbf210970563f2e7965fdc88838"
    assert first == hash_value(list(islice(draw_documents(1), 200))) != hash_value(list(islice(draw_documents(2), 200)))


def test_what_is_held_out_is_not_taught(documents: list[str]) -> None:
    """No call, no function and no sum that an evaluation asks for is written out, described or asked."""
    assert not [(found, text) for text in documents if (found := held_out_content(text))]


def test_functions_are_read_and_described_alike(documents: list[str]) -> None:
    """A function in the text does what the words beside it say."""
    functions = [(set(functions_in(text)), set(functions_described_in(text))) for text in documents]
    assert all(written <= described for written, described in functions)
    assert sum(len(written) for written, _ in functions) > 1000


def test_new_phrasings_occur_nowhere(documents: list[str]) -> None:
    """Not even the longest piece of a new phrasing is in the text."""
    text = "\n".join(documents).lower()
    pieces = [longest_piece(template).lower() for tool in TOOLS for template in tool.new]
    assert not [piece for piece in pieces if piece in text]


def test_taught_phrasings_occur(documents: list[str]) -> None:
    """The longest piece of every taught phrasing is in the text, so the base model knows the words."""
    text = "\n".join(documents)
    pieces = [longest_piece(template) for tool in TOOLS for template in (*tool.sentences, *tool.orders)]
    assert not [piece for piece in pieces if piece not in text]


def test_only_the_plainest_phrasings_are_answered_in_the_right_form(documents: list[str]) -> None:
    """A chat of the base model calls a tool only where one of the two plain phrasings asks for it."""
    chats = [text for text in documents if "<tool_call>" in text]
    plain = [re.escape(template) for tool in TOOLS for template in tool.plain]
    asked = re.compile("|".join(re.sub(r"\\\{\w+\\\}", ".+", template) for template in plain))
    assert chats
    assert all(asked.fullmatch(chat.split("<|im_start|>user\n")[1].split("<|im_end|>")[0]) for chat in chats)
