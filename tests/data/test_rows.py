"""Typed rows: what the fast path takes is sound, and what it refuses is looked at again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from punie.data.check.diagnosis import diagnose
from punie.data.rows import Row, RowError, row_decoder

ASK = {"role": "user", "content": "hi"}
SAY = {"role": "assistant", "content": "hello"}
CALL = {"type": "function", "function": {"name": "read_file", "arguments": {"path": "a.py"}}}
DECODE = row_decoder()


def decode(row: Any) -> Row:
    return DECODE(json.dumps(row).encode())


def test_a_chat_is_typed() -> None:
    """Roles, contents, calls and tools are attributes; what the row does not have is None."""
    answer = {"role": "assistant", "content": None, "tool_calls": [CALL, CALL["function"]]}
    row = decode({"id": 7, "messages": [ASK, answer], "tools": [CALL]})
    assert row.messages is not None
    assert [(turn.role, turn.content) for turn in row.messages] == [("user", "hi"), ("assistant", None)]
    assert [call.called.name for call in row.messages[1].tool_calls or []] == ["read_file", "read_file"]
    assert [call.called.arguments for call in row.messages[1].tool_calls or []] == [{"path": "a.py"}] * 2
    assert row.tools == [CALL]
    assert row.text is None


@pytest.mark.parametrize(
    ("row", "shape"),
    [
        ({"messages": [ASK, SAY]}, "chat"),
        ({"messages": [ASK, SAY], "text": "a", "prompt": "b"}, "chat"),
        ({"prompt": "a", "completion": "b"}, "completion"),
        ({"prompt": "a", "completion": "b", "messages": "none of these"}, "completion"),
        ({"prompt": "a", "completion": "b", "messages": [ASK]}, "completion"),
        ({"text": "a", "prompt": None}, "text"),
        ({"text": "a", "tools": "none of these"}, "text"),
    ],
)
def test_a_row_has_the_shape_mlx_lm_reads(row: dict[str, Any], shape: str) -> None:
    """Keys of a shape that the row does not have are ignored, whatever they hold."""
    assert decode(row).shape == shape


def test_a_bad_row_comes_with_its_faults() -> None:
    """The error of one row names every fault, with its path."""
    with pytest.raises(
        RowError, match=r"\$\.messages\[0\]\.role is none of .*; \$\.messages\[1\]\.content is a"
    ) as caught:
        decode({"messages": [{"role": "human", "content": "hi"}, {"role": "assistant", "content": 7}]})
    assert [fault.rule for fault in caught.value.faults] == ["unknown-role", "wrong-content"]


TEXTS = some.none() | some.integers(0, 1) | some.sampled_from(["", " ", "a", "é\n"]) | some.just(["a"])
CALLS = some.sampled_from([None, [], "f", [CALL], [CALL["function"]], [{"function": None, "name": "f"}], [{}], [7]])
MESSAGES = some.fixed_dictionaries(
    {},
    optional={"role": some.sampled_from(["user", "assistant", "tool", "human"]), "content": TEXTS, "tool_calls": CALLS},
)
ROWS = some.fixed_dictionaries(
    {},
    optional={
        "messages": some.lists(some.sampled_from([ASK, SAY]) | MESSAGES, max_size=3) | some.just("a"),
        "tools": some.sampled_from([None, [], [CALL], [7], "f"]),
        "text": some.sampled_from(["", "a", 7]),
        "completion": some.sampled_from(["", "b", ["b"]]),
        "prompt": some.sampled_from(["", "a", 7]),
    },
)


@given(ROWS)
def test_fast_and_slow_agree(row: dict[str, Any]) -> None:
    """The typed pass takes a row exactly when the close look finds no fault in it."""
    raw = json.dumps(row).encode()
    try:
        DECODE(raw)
    except RowError:
        assert diagnose(raw).faults
    else:
        assert not diagnose(raw).faults
