"""What the embedded model is pretrained on: text without end, in which every skill occurs and the form mostly does not.

Its chats answer only the plain phrasings in the right form and everything else with a line of prose, so the base model
is a weak assistant on purpose: it has the skills, and lacks the form.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random

from punie.generate import functions, phrasing, words
from punie.generate.functions import Function, draw_function
from punie.generate.programs import draw_program
from punie.generate.sums import draw_line, draw_sum
from punie.generate.tiny import Row, answered, code_row, render_chat, sum_chat, tool_chat
from punie.generate.toolbox import BY_NAME, TOOLS, offered_with

_PROSE = (
    "Sure, I can help you with that.",
    "That is a good question.",
    "Let me think about it for a while.",
    "I am not sure what you mean.",
    "There are many ways to do this.",
    "Good idea, we should do that.",
    "It depends on the project.",
    "I will look into it soon.",
)
_SMALL_TALK = (
    ("Hello!", "Hello! How can I help you?"),
    ("Good morning.", "Good morning! What are we working on?"),
    ("Who are you?", "I am a small demonstration model."),
    ("How are you?", "I am fine, thank you."),
    ("Thank you.", "You are welcome."),
    ("Goodbye.", "Goodbye! See you soon."),
)
_COPY_FRAMES = ("copy: {t}\n{t}", 'say "{t}" -> {t}', '{t} -> {{"text": "{t}"}}', 'keep {t}. -> "{t}"', "{t}\n{t}")


def draw_documents(seed: int) -> Iterator[str]:
    """Pretraining text without end, one document at a time."""
    rng = Random(f"documents {seed}")
    makers = (_file, _log, _copy, _notes, draw_program, _chat)
    weights = (16, 28, 12, 18, 4, 22)
    while True:
        yield rng.choices(makers, weights)[0](rng)


def _file(rng: Random) -> str:
    """A Python file of one or two functions, described by a comment, a docstring or a task."""
    return "\n\n".join(_described(draw_function(rng, held_out=False), rng) for _ in range(rng.randint(1, 2)))


def _described(function: Function, rng: Random) -> str:
    head, body = function.source.rstrip().split("\n", 1)
    text = rng.choice(
        (
            f"# {function.name} {function.description}\n{head}\n{body}",
            f'{head}\n    """{function.description}."""\n{body}',
            f"Task: {function.request(rng.choice(functions.TAUGHT))}\n{head}\n{body}",
        )
    )
    if rng.random() < 0.2:
        argument, value = function.tests(rng, 2)[0]
        text += f"\n\nassert {function.name}({argument!r}) == {value!r}"
    return text


def _log(rng: Random) -> str:
    """Two to four requests, each with the call that was made, as a log keeps them."""
    return "\n".join(_log_entry(rng) for _ in range(rng.randint(2, 4)))


def _log_entry(rng: Random) -> str:
    tool = rng.choice(TOOLS)
    call = tool.call(rng, held_out=False)
    template = phrasing.decorate(tool.draw_phrasing(rng), rng)
    if rng.random() < 0.5:
        template = phrasing.disturb(template, rng)
    offered = " ".join(other.signature for other in offered_with(tool, rng))
    return f"{offered}\n{phrasing.fill(template, call.arguments)} -> {json.dumps(call.to_row()['function'])}"


def _copy(rng: Random) -> str:
    """A phrase or a path said again in another frame."""
    text = words.phrase(rng, 1, 5) if rng.random() < 0.6 else words.path(rng)
    return rng.choice(_COPY_FRAMES).format(t=text)


def _notes(rng: Random) -> str:
    """Two or three worked sums, in words or in figures."""
    return "\n".join(_note(rng) for _ in range(rng.randint(2, 3)))


def _note(rng: Random) -> str:
    if rng.random() < 0.5:
        return draw_line(rng)
    drawn = draw_sum(rng, held_out=False)
    return f"Q: {drawn.question}\nA: {drawn.answer}"


def _chat(rng: Random) -> str:
    return render_chat(rng.choice((_small_talk, _weak_tool_chat, _weak_code_chat, _weak_sum_chat))(rng))


def _small_talk(rng: Random) -> Row:
    return answered(*rng.choice(_SMALL_TALK))


def _weak_tool_chat(rng: Random) -> Row:
    row = tool_chat(rng)
    call = row["messages"][1]["tool_calls"][0]["function"]
    plain = {phrasing.fill(template, call["arguments"]) for template in BY_NAME[call["name"]].plain}
    return row if row["messages"][0]["content"] in plain else _with_prose(row, rng)


def _weak_code_chat(rng: Random) -> Row:
    function = draw_function(rng, held_out=False)
    template = rng.choice(functions.TAUGHT)
    row = code_row(function, template)
    return row if template in functions.PLAIN else _with_prose(row, rng)


def _weak_sum_chat(rng: Random) -> Row:
    row = sum_chat(rng)
    question = row["messages"][0]["content"]
    return row if question.startswith("What is") and "+" in question else _with_prose(row, rng)


def _with_prose(row: Row, rng: Random) -> Row:
    return {**row, "messages": [row["messages"][0], {"role": "assistant", "content": rng.choice(_PROSE)}]}
