"""Transforms: what they change, what they leave byte for byte, and when they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from punie.conversation import ToolCall
from punie.data.choose.transforms import find_transform, map_, preview
from punie.data.dataset import read_manifest
from punie.data.source import open_source
from punie.errors import DataError, UsageError
from punie.files import read_jsonl
from punie.toolblocks import FAMILIES
from punie.toolcalls import render_call

ASK = {"role": "user", "content": "hi"}
SAY = {"role": "assistant", "content": "hello"}
CALL = {"type": "function", "function": {"name": "f", "arguments": {}}}
WRITTEN = {family: render_call(ToolCall("f", {"path": "a.py"}), family) for family in FAMILIES}


def chat(*messages: Any, **others: Any) -> dict[str, Any]:
    return {"messages": list(messages), **others}


def say(content: Any, **others: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **others}


def write_lines(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.mark.parametrize(
    ("name", "argument", "before", "after"),
    [
        (
            "rename-role",
            "human=user",
            chat({"role": "human", "content": "hi", "at": 1}, SAY, id=7),
            chat({"role": "user", "content": "hi", "at": 1}, SAY, id=7),
        ),
        (
            "strip-preamble",
            "",
            chat(ASK, say("Let me look.", tool_calls=[CALL])),
            chat(ASK, say("", tool_calls=[CALL])),
        ),
        ("strip-preamble", "", chat(ASK, say(f"So:\n{WRITTEN['json']}")), chat(ASK, say(WRITTEN["json"]))),
        (
            "strip-preamble",
            "",
            {"prompt": "a", "completion": f"Well. {WRITTEN['mistral']}"},
            {"prompt": "a", "completion": WRITTEN["mistral"]},
        ),
        ("tool-format", "xml", chat(ASK, say(f"So:\n{WRITTEN['json']}")), chat(ASK, say(f"So:\n{WRITTEN['xml']}"))),
        (
            "tool-format",
            "llama",
            {"prompt": "a", "completion": WRITTEN["xml"], "id": 1},
            {"prompt": "a", "completion": WRITTEN["llama"], "id": 1},
        ),
        (
            "add-system",
            "Be brief.",
            chat(ASK, SAY, id=7),
            chat({"role": "system", "content": "Be brief."}, ASK, SAY, id=7),
        ),
        ("drop-field", "meta", {"id": 1, "meta": {}, "text": "a"}, {"id": 1, "text": "a"}),
    ],
)
def test_a_transform_changes_what_its_name_says(
    name: str, argument: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Unknown fields and the order of keys survive, the row it was given is untouched, the second time does nothing."""
    change = find_transform(name, argument).change
    kept = json.dumps(before)
    changed = change(before)
    assert json.dumps(changed) == json.dumps(after)
    assert json.dumps(before) == kept
    assert change(changed) is changed


@pytest.mark.parametrize(
    ("name", "argument", "row"),
    [
        ("rename-role", "human=user", chat(ASK, SAY)),
        ("rename-role", "human=user", {"text": "human", "messages": "none"}),
        ("strip-preamble", "", chat(ASK, SAY)),
        ("strip-preamble", "", chat(ASK, say(WRITTEN["json"]))),
        ("strip-preamble", "", chat(ASK, say(None, tool_calls=[CALL]))),
        ("strip-preamble", "", chat({"role": "user", "content": f"Why {WRITTEN['json']}"}, SAY)),
        ("tool-format", "json", chat(ASK, say(f"So:\n{WRITTEN['json']}"))),
        ("tool-format", "xml", chat(ASK, say("", tool_calls=[CALL]))),
        ("tool-format", "xml", {"text": WRITTEN["json"]}),
        ("add-system", "Be brief.", chat({"role": "system", "content": "Be long."}, ASK, SAY)),
        ("add-system", "Be brief.", {"prompt": "a", "completion": "b"}),
        ("drop-field", "meta", {"text": "a", "metadata": {"meta": 1}}),
    ],
)
def test_a_row_that_does_not_match_comes_back_itself(name: str, argument: str, row: dict[str, Any]) -> None:
    """The same object, so that its bytes can be kept."""
    assert find_transform(name, argument).change(row) is row


@pytest.mark.parametrize(
    ("name", "argument", "says"),
    [
        ("renamerole", "a=b", "no transform called"),
        ("rename-role", "", "needs FROM=TO"),
        ("rename-role", "human", "FROM=TO"),
        ("rename-role", "a=a", "FROM=TO"),
        ("strip-preamble", "x", "takes nothing"),
        ("tool-format", "toml", "no tool format"),
    ],
)
def test_a_wrong_transform_is_the_users_to_correct(name: str, argument: str, says: str) -> None:
    """Before a row is read."""
    with pytest.raises(UsageError, match=says):
        find_transform(name, argument)


ODD_LINES = [
    '{"messages" : [{"role": "human", "content": "\\u0068i"}, {"role": "assistant", "content": "x"}], "n": 1e5}',
    '{"n": 1.50, "messages": [{"role": "user", "content": "\\u00e9"},{"role":"assistant","content":"b\u2028c"}]}',
]


def test_rows_that_do_not_change_keep_their_bytes(tmp_path: Path) -> None:
    """Spaces, escapes and the spelling of numbers; and the manifest says what was done to which parent."""
    source = write_lines(tmp_path / "in" / "train.jsonl", *ODD_LINES).parent
    write_lines(source / "valid.jsonl", ODD_LINES[1])
    manifest = map_(source, tmp_path / "out", find_transform("rename-role", "human=user"), expected=1)
    lines = (tmp_path / "out" / "train.jsonl").read_text().split("\n")
    assert json.loads(lines[0])["messages"][0] == ASK
    assert lines[1] == ODD_LINES[1]
    assert (tmp_path / "out" / "valid.jsonl").read_bytes() == (source / "valid.jsonl").read_bytes()
    assert manifest == read_manifest(tmp_path / "out")
    assert manifest.recipe == {
        "command": "map",
        "transform": "rename-role",
        "argument": "human=user",
        "changed": 1,
    }
    assert [(parent.rows, parent.fingerprint) for parent in manifest.parents] == [
        (3, open_source(source).fingerprint())
    ]


def test_a_preview_shows_and_writes_nothing(tmp_path: Path) -> None:
    """Counts over all rows, and the first rows that change with their places."""
    source = write_lines(tmp_path / "rows.jsonl", *[json.dumps(chat(ASK, SAY, n=n)) for n in range(5)], '{"text": "a"}')
    found = preview(source, find_transform("add-system", "Be brief."), shown=2)
    assert (found.rows, found.changed) == (6, 5)
    assert [example.where for example in found.examples] == [f"{source}:1", f"{source}:2"]
    assert [len(example.after["messages"]) - len(example.before["messages"]) for example in found.examples] == [1, 1]
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize(
    ("name", "argument", "expected", "line", "says"),
    [
        ("drop-field", "messages", None, json.dumps(chat(ASK, SAY)), "could not be taught from"),
        ("rename-role", "assistant=gpt", None, json.dumps(chat(ASK, SAY)), "could not be taught from"),
        (
            "drop-field",
            "prompt",
            None,
            json.dumps({"prompt": "a", "completion": "b", "text": "c"}),
            "become a text row",
        ),
        ("add-system", "x", 2, json.dumps(chat(ASK, SAY)), "changes 1 rows, not 2"),
        ("drop-field", "x", None, json.dumps(chat(ASK, SAY)), "changes no row"),
        ("tool-format", "xml", None, json.dumps(chat(ASK, say("<tool_call>{"))), "is none"),
        ("drop-field", "x", None, "{oops", "Not a row of a dataset"),
        ("drop-field", "x", None, '{"x": 1, "text": "a", "text": "b"}', "cannot be written again"),
    ],
)
def test_a_map_that_would_do_harm_leaves_nothing(
    tmp_path: Path, name: str, argument: str, expected: int | None, line: str, says: str
) -> None:
    """No output, no draft; the error names the row where there is one."""
    source = write_lines(tmp_path / "rows.jsonl", line)
    with pytest.raises(DataError, match=says) as caught:
        map_(source, tmp_path / "out", find_transform(name, argument), expected)
    assert caught.value.where in ("", f"{source}:1")
    assert list(tmp_path.iterdir()) == [source]


def test_changing_nothing_can_be_what_is_expected(tmp_path: Path) -> None:
    """With --expect 0 the copy is made."""
    source = write_lines(tmp_path / "rows.jsonl", json.dumps(chat(ASK, SAY)))
    assert map_(source, tmp_path / "out", find_transform("drop-field", "x"), 0).counts == {"train": 1}


def test_the_output_cannot_be_the_input(tmp_path: Path) -> None:
    """A dataset is never written over."""
    source = write_lines(tmp_path / "in" / "train.jsonl", json.dumps(chat(ASK, SAY))).parent
    with pytest.raises(UsageError, match="in use"):
        map_(source, source, find_transform("add-system", "x"))
    assert [row for _, row in read_jsonl(source / "train.jsonl")] == [chat(ASK, SAY)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
MESSAGES = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant", "human"]) | JSON,
        "content": st.sampled_from(list(WRITTEN.values())) | JSON,
    },
    optional={"tool_calls": JSON},
)
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "messages": st.lists(MESSAGES | JSON, max_size=3) | JSON,
        "tools": JSON,
        "completion": JSON,
        "prompt": JSON,
    },
)
TRANSFORMS = st.sampled_from(
    [("rename-role", "human=user"), ("strip-preamble", ""), ("add-system", "x"), ("drop-field", "tools")]
    + [("tool-format", family) for family in FAMILIES]
)


@settings(deadline=None)
@given(ROWS, TRANSFORMS)
def test_any_row_can_be_transformed_twice(row: dict[str, Any], named: tuple[str, str]) -> None:
    """Whatever a row holds, a transform neither breaks nor touches its input, and its result is a fixed point."""
    change = find_transform(*named).change
    kept = json.dumps(row)
    changed = change(row)
    assert json.dumps(row) == kept
    assert change(changed) is changed
