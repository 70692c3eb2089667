"""The world of the embedded model: what it is fine-tuned on and what it is asked.

Three draws over the same makers, kept apart by `holdout` (content) and by `tools.Tool.new` (phrasing):

- `draw_chats`: fine-tuning rows in which every taught phrasing is answered in the right form.
- `draw_cases`: evaluation cases, from held-out content only; `new_phrasings` are worded as no training text is.
- `punie.generate.documents.draw_documents`: pretraining text, which answers only the plain phrasings in the right form.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from punie.conversation import ToolCall
from punie.errors import UsageError
from punie.generate import functions, phrasing
from punie.generate.functions import Function, draw_function
from punie.generate.sums import draw_sum
from punie.generate.toolbox import TOOLS, offered_with
from punie.generate.tools import Tool
from punie.toolcalls import render_call

Row = dict[str, Any]

CODE_TESTS = 6


def draw_chats(count: int, seed: int) -> Iterator[Row]:
    """`count` fine-tuning rows with id and category, the three categories in turn. No question is asked twice."""
    rng = Random(f"chats {seed}")
    seen: set[str] = set()
    while len(seen) < count:
        row = (tool_chat, code_chat, sum_chat)[len(seen) % 3](rng)
        question = row["messages"][0]["content"]
        if question not in seen:
            seen.add(question)
            yield {"id": f"sample-{seed}-{len(seen):05d}", **row}


def draw_cases(counts: Mapping[str, int], seed: int) -> Iterator[Row]:
    """Cases by category, as rows of `punie.evaluation.suite.Case`. No question of a category is asked twice.

    A category is of the test half; `dev CATEGORY` is of the dev half, and `taught CATEGORY` has the content that
    training texts have: tasks to learn from. Raises UsageError at a category that does not exist.
    """
    seen: set[tuple[str, str]] = set()
    for named, count in counts.items():
        side, category = _side_of(named)
        rng = Random(f"cases {seed} {named}")
        for number in range(1, count + 1):
            row = _draw_new(category, side != "taught", rng, seen)
            half = {"half": "dev"} if side == "dev" else {}
            yield {"id": f"{named.replace(' ', '-')}-{number:03d}", "category": category, **half, **row}


def count_cases(counts: Mapping[str, int]) -> Counter[str]:
    """How many cases of each half `draw_cases` gives, without drawing them."""
    halves = Counter[str]()
    for named, count in counts.items():
        halves["dev" if _side_of(named)[0] == "dev" else "test"] += count
    return halves


def _side_of(named: str) -> tuple[str, str]:
    side, _, category = named.rpartition(" ")
    if side not in _SIDES or category not in _CASES or (side, category) == ("taught", "new_phrasings"):
        known = f"Known: {', '.join(_CASES)}; each after dev, and all but new_phrasings after taught."
        raise UsageError(f"There is no category {named!r} to draw.", hint=known)
    return side, category


def _draw_new(category: str, held_out: bool, rng: Random, seen: set[tuple[str, str]]) -> Row:
    while True:
        row = _CASES[category](rng, held_out)
        asked = category, row["messages"][0]["content"]
        if asked not in seen:
            seen.add(asked)
            return row


def render_chat(row: Row) -> str:
    """The text of a row as the chat template writes it (a test holds the two together)."""
    tools = "".join(f"{_signature(tool['function'])}\n" for tool in row.get("tools", ()))
    head = f"<|im_start|>tools\n{tools}<|im_end|>\n" if tools else ""
    return head + "".join(f"<|im_start|>{m['role']}\n{_content(m)}<|im_end|>\n" for m in row["messages"])


def _content(message: Row) -> str:
    calls = [call["function"] for call in message.get("tool_calls", ())]
    return message["content"] + "\n".join(render_call(ToolCall(call["name"], call["arguments"])) for call in calls)


def _signature(function: Row) -> str:
    return f"{function['name']}({', '.join(function['parameters']['properties'])})"


# Fine-tuning rows.


def tool_chat(rng: Random) -> Row:
    """A request for a tool in any taught phrasing, answered with the call."""
    tool = rng.choice(TOOLS)
    call = tool.call(rng, held_out=False)
    question = phrasing.fill(phrasing.decorate(tool.draw_phrasing(rng), rng), call.arguments)
    answer = {"role": "assistant", "content": "", "tool_calls": [call.to_row()]}
    return {"messages": [_asked(question), answer], "tools": _schemas(tool, rng), "category": "tool_calling"}


def code_chat(rng: Random) -> Row:
    """A request for a function in any taught phrasing, answered with its source and nothing else."""
    function = draw_function(rng, held_out=False)
    return code_row(function, rng.choice(functions.TAUGHT))


def code_row(function: Function, template: str) -> Row:
    return {**answered(function.request(template), function.source.rstrip()), "category": "code_generation"}


def sum_chat(rng: Random) -> Row:
    """A question about numbers, answered step by step."""
    drawn = draw_sum(rng, held_out=False)
    return {**answered(drawn.question, drawn.answer), "category": "reasoning"}


def answered(question: str, answer: str) -> Row:
    return {"messages": [_asked(question), {"role": "assistant", "content": answer}]}


def _asked(question: str) -> Row:
    return {"role": "user", "content": question}


def _schemas(tool: Tool, rng: Random) -> list[Row]:
    return [offered.schema() for offered in offered_with(tool, rng)]


# Cases, of content that is held out or not.


def _tool_case(rng: Random, held_out: bool) -> Row:
    tool = rng.choice(TOOLS)
    return _call_case(tool, phrasing.decorate(tool.draw_phrasing(rng), rng), rng, held_out)


def _new_case(rng: Random, held_out: bool) -> Row:
    tool = rng.choice(TOOLS)
    return _call_case(tool, rng.choice(tool.new), rng, held_out)


def _call_case(tool: Tool, template: str, rng: Random, held_out: bool) -> Row:
    call = tool.call(rng, held_out=held_out)
    return {
        "messages": [_asked(phrasing.fill(template, call.arguments))],
        "tools": _schemas(tool, rng),
        "expect": {"kind": "calls", "calls": [{"name": call.name, "arguments": dict(call.arguments)}]},
    }


def _code_case(rng: Random, held_out: bool) -> Row:
    function = draw_function(rng, held_out)
    tests = [{"arguments": [argument], "returns": value} for argument, value in function.tests(rng, CODE_TESTS)]
    return {
        "messages": [_asked(function.request(rng.choice(functions.TAUGHT)))],
        "expect": {"kind": "code", "entry_point": function.name, "tests": tests, "solution": function.source},
    }


def _sum_case(rng: Random, held_out: bool) -> Row:
    drawn = draw_sum(rng, held_out)
    return {"messages": [_asked(drawn.question)], "expect": {"kind": "number", "value": drawn.value}}


_SIDES = ("", "dev", "taught")
_CASES: Mapping[str, Callable[[Random, bool], Row]] = {
    "tool_calling": _tool_case,
    "code_generation": _code_case,
    "reasoning": _sum_case,
    "new_phrasings": _new_case,
}
