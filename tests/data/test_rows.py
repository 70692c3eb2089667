"""Rows: each that mlx-lm could not learn from has its reason."""

from __future__ import annotations

from typing import Any

import pytest

from punie.data.rows import row_problem, row_shape

ASK = {"role": "user", "content": "hi"}
SAY = {"role": "assistant", "content": "hello"}
CALL = {"type": "function", "function": {"name": "read_file", "arguments": {"path": "a.py"}}}
TOOL = {"type": "function", "function": {"name": "read_file", "parameters": {}}}


def chat(*messages: Any, **others: Any) -> dict[str, Any]:
    return {"messages": list(messages), **others}


def calling(*calls: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": "", "tool_calls": list(calls)}


@pytest.mark.parametrize(
    ("row", "shape"),
    [
        (chat(ASK, SAY), "chat"),
        (chat({"role": "system", "content": "be brief"}, ASK, SAY, ASK, SAY), "chat"),
        (chat(ASK, SAY, tools=[]), "chat"),
        (chat(ASK, SAY, tools=None, id=7), "chat"),
        (chat(ASK, calling(CALL), tools=[TOOL]), "chat with tools"),
        (chat(ASK, calling(CALL["function"]), tools=[TOOL]), "chat with tools"),
        (chat(ASK, {"role": "assistant", "content": None, "tool_calls": [CALL]}), "chat"),
        (chat(ASK, calling(CALL), {"role": "tool", "content": "text"}, SAY, tools=[TOOL]), "chat with tools"),
        (chat({"role": "user", "content": [{"type": "text", "text": "hi"}]}, SAY), "chat"),
        ({"prompt": "a", "completion": "b"}, "completion"),
        ({"prompt": "a", "completion": "b", "messages": "ignored"}, "completion"),
        ({"text": "a", "source": "b"}, "text"),
        ({"text": "a", **chat(ASK, SAY)}, "chat"),
    ],
)
def test_a_good_row_has_a_shape_and_no_problem(row: dict[str, Any], shape: str) -> None:
    """The shape is the one that mlx-lm reads the row in; keys that nobody knows do no harm."""
    assert row_problem(row) is None
    assert row_shape(row) == shape


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({}, "has neither messages, nor prompt and completion, nor text"),
        ({"question": "a", "answer": "b"}, "has neither messages, nor prompt and completion, nor text"),
        ({"prompt": "a"}, "has neither messages, nor prompt and completion, nor text"),
        ({"text": ""}, "text must be a text that is not empty"),
        ({"text": " \n"}, "text must be a text that is not empty"),
        ({"text": None}, "text must be a text that is not empty"),
        ({"prompt": "", "completion": "b"}, "prompt must be a text that is not empty"),
        ({"prompt": "a", "completion": ["b"]}, "completion must be a text that is not empty"),
        ({"messages": "hi"}, "messages must be a list of at least two messages"),
        (chat(), "messages must be a list of at least two messages"),
        (chat(SAY), "messages must be a list of at least two messages"),
        (chat(ASK, "hello"), "message 2 is not an object"),
        (chat({"content": "hi"}, SAY), "message 1 has role None, which is none of assistant, system, tool, user"),
        (chat({"role": ["user"], "content": "hi"}, SAY), "message 1 has role ['user'], which is none of"),
        (chat({"role": "human", "content": "hi"}, SAY), "message 1 has role 'human', which is none of"),
        (chat({"role": "user", "content": 7}, SAY), "message 1 has content that is neither text nor parts"),
        (chat({"role": "user", "content": ""}, SAY), "message 1 is empty"),
        (chat({"role": "user"}, SAY), "message 1 is empty"),
        (chat(ASK, calling()), "message 2 is empty"),
        (chat(ASK, calling({"function": {"arguments": {}}})), "message 2 has tool calls that name no function"),
        (chat(ASK, calling("read_file")), "message 2 has tool calls that name no function"),
        (chat(ASK, {"role": "assistant", "tool_calls": CALL}), "message 2 has tool calls that name no function"),
        (chat(SAY, ASK), "the last message must be the assistant's"),
        (chat(ASK, SAY, tools="read_file"), "tools must be a list of objects"),
        (chat(ASK, SAY, tools=["read_file"]), "tools must be a list of objects"),
    ],
)
def test_a_bad_row_has_a_reason(row: dict[str, Any], problem: str) -> None:
    """The reason names the message or the key, so that the row can be corrected."""
    assert (row_problem(row) or "").startswith(problem)
