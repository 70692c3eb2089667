"""Chat templates that are a list of turns are told from those that are more."""

from __future__ import annotations

import pytest
from jinja2 import Environment

from punie.shipping.export.modelfile import go_template, modelfile, unsayable
from punie.shipping.export.turns import chat, read_turns, spoken
from punie.shipping.messages import Turns

PLAIN = (
    "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
DEFAULT = "{% if messages[0].role != 'system' %}<|system|>\nBe brief.</s>{% endif %}" + PLAIN
HIDDEN = PLAIN.replace("{% for", "{% if messages|length > 3 %}{{ 'long chat' }}{% endif %}{% for", 1)
ALTERNATING = "{% if messages[0].role == 'system' %}{{ raise('no system') }}{% endif %}" + PLAIN


def read(template: str, begin: str | None = None) -> Turns:
    """The turns of a template in Jinja, as transformers compiles it."""
    compiled = Environment(trim_blocks=True, lstrip_blocks=True).from_string(template)
    return read_turns(
        lambda messages, answering: compiled.render(
            messages=messages, add_generation_prompt=answering, bos_token="<s>"
        ),
        ["</s>"],
        begin,
    )


@pytest.mark.parametrize(("template", "opening"), [(PLAIN, ""), (DEFAULT, "<|system|>\nBe brief.</s>")])
def test_turns_speak_as_the_template_does(template: str, opening: str) -> None:
    """Chats put together from the turns are the template's, with the text that stands in for a system message."""
    turns = read(template)
    assert turns.unlike == ""
    assert turns.opening == opening
    assert turns.around["user"] == ("<|user|>\n", "</s>")
    assert spoken(turns, chat("ua")[:1]) == f"{opening}<|user|>\none</s><|assistant|>\n"


@pytest.mark.parametrize(
    "template",
    [PLAIN.replace("m.content", "m.content | trim"), HIDDEN, ALTERNATING, PLAIN.replace("m.role", "loop.index")],
    ids=["trims", "counts", "refuses", "numbers"],
)
def test_a_template_that_is_more_has_no_turns(template: str) -> None:
    """One that changes texts, looks at the whole chat, refuses one, or counts."""
    assert "more than a list of turns" in read(template).unlike


def test_a_first_token_is_left_to_others() -> None:
    """Where the template writes the token that programs put first themselves, it could come twice."""
    assert "second time" in read("{{ bos_token }}" + PLAIN, "<s>").unlike


def test_without_turns_there_is_no_template() -> None:
    """Ollama is then left to its own; sampling and ends are still told."""
    assert modelfile(Turns(["</s>"], unlike="why"), {"do_sample": False}) == (
        'FROM .\nPARAMETER temperature 0\nPARAMETER stop "</s>"\n'
    )
    assert "Ollama's own" in unsayable(read(PLAIN.replace("<|{{ m.role }}|>", "{{ '{{' + m.role }}")))
    assert go_template(read(DEFAULT)).startswith("{{ if not .System }}<|system|>\nBe brief.</s>{{ end }}{{ range")
