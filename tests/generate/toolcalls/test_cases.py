"""Cases about declared tools, beside the rows that teach them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from punie.errors import DataError, UsageError
from punie.files import read_jsonl, write_jsonl
from punie.generate.holdout import is_held_out
from punie.generate.toolcalls.cases import categories, draw_cases, require_unseen
from punie.generate.toolcalls.dataset import generate_toolcalls, known_tools
from punie.generate.toolcalls.wording import templates

TOOLS = {tool.name: tool for tool in known_tools(None)}
COUNTS = dict.fromkeys(categories(), 24)


@pytest.fixture(scope="module")
def cases() -> list[dict[str, Any]]:
    return list(draw_cases(COUNTS, 5))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("data") / "toolcalls"
    generate_toolcalls(output, 400, 5)
    return output


def steps(case: dict[str, Any]) -> list[dict[str, Any]]:
    return [*case.get("turns", ()), case["expect"]]


def test_every_form_is_asked(cases: list[dict[str, Any]]) -> None:
    """Those with several forms have as many of each; a third of every category is for choosing."""
    assert Counter(case["category"] for case in cases) == COUNTS
    forms = Counter(case["tags"]["form"] for case in cases if case["category"] in ("no_call", "multi_turn"))
    assert len(forms) == 6
    assert min(forms.values()) >= 4
    halves = Counter((case["category"], case.get("half")) for case in cases)
    assert all(halves[category, "dev"] == 8 for category in COUNTS)
    assert len({case["messages"][0]["content"] for case in cases}) == len(cases)


def test_arguments_are_those_that_are_never_taught(cases: list[dict[str, Any]]) -> None:
    """Of every tool whose arguments are many."""
    for case in cases:
        for call in (call for step in steps(case) for call in step["calls"]):
            spelt = json.dumps(call["arguments"], sort_keys=True, ensure_ascii=False)
            assert not TOOLS[call["name"]].is_open or is_held_out(call["name"], spelt)


def test_no_wording_is_taught_and_asked() -> None:
    """Own requests and derived ones, of every tool."""
    for tool in TOOLS.values():
        assert tool.held_out or not set(templates(tool, new=True)) & set(templates(tool, new=False))


def test_only_the_category_for_it_asks_for_held_out_tools(cases: list[dict[str, Any]]) -> None:
    """And it asks for nothing else."""
    for case in cases:
        for call in (call for step in steps(case) for call in step["calls"]):
            assert TOOLS[call["name"]].held_out == (case["category"] == "new_tools")


def test_rows_share_nothing_with_cases(cases: list[dict[str, Any]], folder: Path) -> None:
    """The same seed or not; every row is looked at."""
    assert require_unseen(cases, folder) == 400


@pytest.mark.parametrize("shared", ["a question", "a call", "a tool", "a text"])
def test_what_is_shared_is_refused_with_its_place(
    cases: list[dict[str, Any]], folder: Path, tmp_path: Path, shared: str
) -> None:
    """A row that has a case's question or call, offers a held-out tool, or cannot be looked into."""
    rows = [row for _, row in read_jsonl(folder / "train.jsonl")]
    case = next(
        case for case in cases if case["category"] == "new_wordings" and case["expect"]["calls"][0]["arguments"]
    )
    row = next(row for row in rows if row["category"] == "call")
    question, answer, *rest = row["messages"]
    if shared == "a question":
        row["messages"] = [case["messages"][0], answer, *rest]
    elif shared == "a call":
        calls = [{"type": "function", "function": case["expect"]["calls"][0]}]
        row["messages"] = [question, {**answer, "tool_calls": calls}, *rest]
    elif shared == "a tool":
        row["tools"].append(next(tool for tool in TOOLS.values() if tool.held_out).declaration())
    else:
        rows[rows.index(row)] = {"text": "a text"}
    write_jsonl(tmp_path / "data" / "train.jsonl", rows)
    with pytest.raises(DataError, match="shares") as error:
        require_unseen(cases, tmp_path / "data")
    assert "train.jsonl:" in error.value.where


def test_a_default_may_be_given(tmp_path: Path) -> None:
    """An optional argument that nobody asked for is right at its declared default, and need not be there."""
    days = {"type": "integer", "minimum": 1, "maximum": 9, "default": 3}
    properties = {"city": {"type": "string"}, "days": days}
    function = {"name": "weather", "parameters": {"type": "object", "properties": properties, "required": ["city"]}}
    (tmp_path / "tools.json").write_text(json.dumps([function]))
    cases = list(draw_cases({"new_wordings": 30}, 0, tmp_path / "tools.json"))
    for call in (case["expect"]["calls"][0] for case in cases):
        assert ("days" in call["arguments"]) != (call.get("accept") == {"days": [3]} and call["optional"] == ["days"])
    with pytest.raises(UsageError, match="no category 'new_tools'"):
        list(draw_cases({"new_tools": 1}, 0, tmp_path / "tools.json"))
