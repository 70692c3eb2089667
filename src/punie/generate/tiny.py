"""The world of the embedded model: what it is pretrained on, what it is fine-tuned on, what it is asked.

Three draws over the same makers, kept apart by `holdout` (content) and by `tools.Tool.new` (phrasing):

- `draw_documents`: pretraining text. Its chats answer only the plain phrasings in the right form and everything else
  with a line of prose, so the base model is a weak assistant on purpose: it has the skills, and lacks the form.
- `draw_chats`: fine-tuning rows in which every taught phrasing is answered in the right form.
- `draw_cases`: evaluation cases, from held-out content only; `new_phrasings` are worded as no training text is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from punie.conversation import ToolCall
from punie.generate import functions, phrasing, words
from punie.generate.functions import Function, draw_function
from punie.generate.programs import draw_program
from punie.generate.sums import Sum, draw_line, draw_sum
from punie.generate.tools import PLAIN, TOOLS, Tool, offered_with
from punie.toolcalls import render_call

Row = dict[str, Any]

CODE_TESTS = 6
END = "<|endoftext|>"

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


def draw_chats(count: int, seed: int) -> Iterator[Row]:
    """`count` fine-tuning rows, a third of each kind, each with its category and id. No row is drawn twice."""
    rng = Random(f"chats {seed}")
    seen: set[str] = set()
    while len(seen) < count:
        kind = (tool_chat, code_chat, sum_chat)[len(seen) % 3]
        row = kind(rng)
        question = row["messages"][0]["content"]
        if question not in seen:
            seen.add(question)
            yield {"id": f"sample-{seed}-{len(seen):05d}", **row}


def draw_cases(counts: Mapping[str, int], seed: int) -> Iterator[Row]:
    """Evaluation cases by category, as rows of `punie.evaluation.suite.Case`. No question is drawn twice."""
    makers = {"tool_calling": _tool_case, "code_generation": _code_case, "reasoning": _sum_case, "new_phrasings": _new_case}
    for category, count in counts.items():
        rng = Random(f"cases {seed} {category}")
        seen: set[str] = set()
        while len(seen) < count:
            row = makers[category](rng)
            question = row["messages"][0]["content"]
            if question not in seen:
                seen.add(question)
                yield {"id": f"{category}-{len(seen):03d}", "category": category, **row}


def draw_documents(seed: int) -> Iterator[str]:
    """Pretraining text without end, one document at a time."""
    rng = Random(f"documents {seed}")
    makers = (_file, _log, _copy, _notes, draw_program, _chat)
    weights = (18, 26, 8, 18, 5, 25)
    while True:
        yield rng.choices(makers, weights)[0](rng)


def render_chat(row: Row) -> str:
    """The text of a row as the chat template writes it (a test holds the two together)."""
    tools = "".join(f"{_signature(tool)}\n" for tool in row.get("tools", ()))
    head = f"<|im_start|>tools\n{tools}<|im_end|>\n" if tools else ""
    return head + "".join(f"<|im_start|>{m['role']}\n{_content(m)}<|im_end|>\n" for m in row["messages"])


def _content(message: Row) -> str:
    calls = [call["function"] for call in message.get("tool_calls", ())]
    return message["content"] + "\n".join(render_call(ToolCall(call["name"], call["arguments"])) for call in calls)


def _signature(tool: Row) -> str:
    function = tool["function"]
    return f"{function['name']}({', '.join(function['parameters']['properties'])})"


# Fine-tuning rows.


def tool_chat(rng: Random) -> Row:
    """A request for a tool in any taught phrasing, answered with the call."""
    tool = rng.choice(TOOLS)
    call = tool.call(rng, held_out=False)
    question = phrasing.fill(phrasing.decorate(rng.choice(tool.taught), rng), call.arguments)
    answer = {"role": "assistant", "content": "", "tool_calls": [call.to_row()]}
    return _row("tool_calling", question, answer, [other.schema() for other in offered_with(tool, rng)])


def code_chat(rng: Random) -> Row:
    """A request for a function, answered with its source and nothing else."""
    function = draw_function(rng, held_out=False)
    return _row("code_generation", _code_question(function, rng.choice(functions.TAUGHT)), _said(function.source.rstrip()))


def sum_chat(rng: Random) -> Row:
    """A question about numbers, answered step by step."""
    drawn = draw_sum(rng, held_out=False)
    return _row("reasoning", drawn.question, _said(drawn.answer))


def _row(category: str, question: str, answer: Row, tools: list[Row] | None = None) -> Row:
    messages = [{"role": "user", "content": question}, answer]
    return {"messages": messages, **({"tools": tools} if tools else {}), "category": category}


def _said(text: str) -> Row:
    return {"role": "assistant", "content": text}


def _code_question(function: Function, template: str) -> str:
    return template.format(name=function.name, what=function.description)


# Evaluation cases.


def _tool_case(rng: Random) -> Row:
    tool = rng.choice(TOOLS)
    return _call_case(tool, phrasing.decorate(rng.choice(tool.taught), rng), rng)


def _new_case(rng: Random) -> Row:
    tool = rng.choice(TOOLS)
    return _call_case(tool, rng.choice(tool.new), rng)


def _call_case(tool: Tool, template: str, rng: Random) -> Row:
    call = tool.call(rng, held_out=True)
    return {
        "messages": [{"role": "user", "content": phrasing.fill(template, call.arguments)}],
        "tools": [other.schema() for other in offered_with(tool, rng)],
        "expect": {"kind": "calls", "calls": [{"name": call.name, "arguments": dict(call.arguments)}]},
    }


def _code_case(rng: Random) -> Row:
    function = draw_function(rng, held_out=True)
    tests = [{"arguments": [argument], "returns": value} for argument, value in function.tests(rng, CODE_TESTS)]
    return {
        "messages": [{"role": "user", "content": _code_question(function, rng.choice(functions.TAUGHT))}],
        "expect": {"kind": "code", "entry_point": function.name, "tests": tests, "solution": function.source},
    }


def _sum_case(rng: Random) -> Row:
    drawn: Sum = draw_sum(rng, held_out=True)
    return {"messages": [{"role": "user", "content": drawn.question}], "expect": {"kind": "number", "value": drawn.value}}


# Pretraining documents.


def _file(rng: Random) -> str:
    """A Python file of one or two functions, described by a comment, a docstring or a task."""
    return "\n\n".join(_described(draw_function(rng, held_out=False), rng) for _ in range(rng.randint(1, 2)))


def _described(function: Function, rng: Random) -> str:
    head, body = function.source.rstrip().split("\n", 1)
    text = rng.choice(
        (
            f"# {function.name} {function.description}\n{head}\n{body}",
            f'{head}\n    """{function.description}"""\n{body}',
            f"Task: {_code_question(function, rng.choice(functions.TAUGHT))}\n{head}\n{body}",
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
    template = phrasing.decorate(rng.choice(tool.taught), rng)
    if rng.random() < 0.5:
        template = phrasing.disturb(template, rng)
    offered = " ".join(_signature(other.schema()) for other in offered_with(tool, rng)) + "\n" if rng.random() < 0.5 else ""
    body = json.dumps({"name": call.name, "arguments": dict(call.arguments)})
    return f"{offered}{phrasing.fill(template, call.arguments)} -> {body}"


def _copy(rng: Random) -> str:
    """Phrases said again in another frame."""
    text = words.phrase(rng, 1, 5)
    frame = rng.choice(("copy: {t}\n{t}", 'say "{t}" -> {t}', '{t} -> {{"text": "{t}"}}', 'keep {t}. -> "{t}"', "{t}\n{t}"))
    return frame.format(t=text)


def _notes(rng: Random) -> str:
    """Two or three worked sums, in words or in figures."""
    return "\n".join(_note(rng) for _ in range(rng.randint(2, 3)))


def _note(rng: Random) -> str:
    if rng.random() < 0.5:
        return draw_line(rng)
    drawn = draw_sum(rng, held_out=False)
    return f"Q: {drawn.question}\nA: {drawn.answer}"


def _chat(rng: Random) -> str:
    kind = rng.choice((_small_talk, _weak_tool_chat, _weak_code_chat, _weak_sum_chat))
    return render_chat(kind(rng))


def _small_talk(rng: Random) -> Row:
    question, answer = rng.choice(_SMALL_TALK)
    return _row("small_talk", question, _said(answer))


def _weak_tool_chat(rng: Random) -> Row:
    row = tool_chat(rng)
    name = row["messages"][1]["tool_calls"][0]["function"]["name"]
    arguments = row["messages"][1]["tool_calls"][0]["function"]["arguments"]
    plain = next(tool for tool in TOOLS if tool.name == name).taught[:PLAIN]
    right = row["messages"][0]["content"] in {phrasing.fill(template, arguments) for template in plain}
    return row if right else _with_prose(row, rng)


def _weak_code_chat(rng: Random) -> Row:
    function = draw_function(rng, held_out=False)
    template = rng.choice(functions.TAUGHT)
    row = _row("code_generation", _code_question(function, template), _said(function.source.rstrip()))
    return row if template in functions.TAUGHT[: functions.PLAIN] else _with_prose(row, rng)


def _weak_sum_chat(rng: Random) -> Row:
    row = sum_chat(rng)
    right = row["messages"][0]["content"].startswith("What is") and "+" in row["messages"][0]["content"]
    return row if right else _with_prose(row, rng)


def _with_prose(row: Row, rng: Random) -> Row:
    return {**row, "messages": [row["messages"][0], _said(rng.choice(_PROSE))]}
