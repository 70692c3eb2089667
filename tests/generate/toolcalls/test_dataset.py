"""Tool calls as a dataset."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from punie.conversation import ToolCall
from punie.data.check.validation import validate
from punie.data.dataset import read_manifest
from punie.data.source import SPLITS
from punie.errors import DataError, PunieError, UsageError
from punie.files import read_jsonl
from punie.generate.toolcalls.conformance import fault
from punie.generate.toolcalls.dataset import SHARES, generate_toolcalls, known_tools
from punie.toolblocks import FAMILIES
from punie.toolcalls import parse_calls, render_calls, same_calls, spoken_calls

SIZE = 400
HELD_OUT = {tool.name for tool in known_tools(None) if tool.held_out}


def read(folder: Path) -> dict[str, list[dict[str, Any]]]:
    return {split: [row for _, row in read_jsonl(folder / f"{split}.jsonl")] for split in SPLITS}


def every_row(folder: Path) -> list[dict[str, Any]]:
    return [row for rows in read(folder).values() for row in rows]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("data") / "toolcalls"
    generate_toolcalls(output, SIZE, 3)
    return output


def calls_of(message: dict[str, Any]) -> list[ToolCall]:
    found = [call["function"] for call in message.get("tool_calls", ())]
    return [ToolCall(call["name"], call["arguments"]) for call in found]


def called(row: dict[str, Any]) -> list[list[ToolCall]]:
    return [calls for message in row["messages"] if (calls := calls_of(message))]


def assert_sound(row: dict[str, Any]) -> None:
    """Calls conform to the row's own declarations and come back from every family; nothing else is a call."""
    declared = {tool["function"]["name"]: tool["function"]["parameters"] for tool in row.get("tools", ())}
    for calls in called(row):
        for call in calls:
            assert fault(declared[call.name], call.arguments) is None, row["id"]
        for family in FAMILIES:
            read = parse_calls(render_calls(calls, family), family, row["tools"])
            assert not read.malformed, row["id"]
            assert same_calls(calls, read.calls), row["id"]
    for message in row["messages"]:
        assert not spoken_calls(message["content"], row.get("tools", ())).calls, row["id"]
    assert bool(called(row)) == (row["category"] in ("call", "parallel", "multi_turn")), row["id"]


def test_every_call_is_declared_and_readable_in_every_family(folder: Path) -> None:
    """Held against the row's declarations and the only parser; negatives and plain chats hold no call."""
    for row in every_row(folder):
        assert_sound(row)
    validate(folder).require_sound()


def test_kinds_have_their_shares_in_every_split(folder: Path) -> None:
    """400 rows of the default shares, 5 % of each kind in valid and as many in test."""
    for split, rows in read(folder).items():
        held_out = split != "train"
        whole = {kind: round(SIZE * share / 100) for kind, share in SHARES.items()}
        part = {kind: max(1, round(rows * 0.05)) for kind, rows in whole.items()}
        expected = part if held_out else {kind: whole[kind] - 2 * part[kind] for kind in whole}
        assert Counter(row["category"] for row in rows) == expected
    assert read_manifest(folder).recipe["calling_percent"] == 55


def test_results_are_used_in_the_answer(folder: Path) -> None:
    """What a tool returned, an error included, is what the next answer in words says: at least one value of each."""
    for row in every_row(folder):
        results = list[str]()
        for message in row["messages"]:
            if message["role"] == "tool":
                results.append(message["content"])
            elif message["role"] == "assistant" and message.get("tool_calls"):
                results = []
            elif message["role"] == "assistant":
                for result in results:
                    values = json.loads(result).values()
                    said = [one for value in values for one in (value if isinstance(value, list) else [value])]
                    assert any(str(value) in message["content"] for value in said), row["id"]


def test_ids_of_calls_are_those_of_their_results(folder: Path) -> None:
    """Nine letters and digits, as Mistral's templates ask; every call has its result, in order."""
    for row in every_row(folder):
        calls = [call["id"] for message in row["messages"] for call in message.get("tool_calls", ())]
        assert calls == [message["tool_call_id"] for message in row["messages"] if message["role"] == "tool"]
        assert all(len(id) == 9 and id.isalnum() for id in calls)


def test_no_conversation_twice_and_no_question_in_two_splits(folder: Path, tmp_path: Path) -> None:
    """What is tested was not taught, by another seed neither."""
    generate_toolcalls(tmp_path / "other", SIZE, 4)
    questions = {split: {row["messages"][0]["content"] for row in rows} for split, rows in read(folder).items()}
    taught = {row["messages"][0]["content"] for row in read(tmp_path / "other")["train"]}
    assert not (questions["train"] | taught) & (questions["valid"] | questions["test"])
    texts = [json.dumps([row["messages"], row.get("tools")]) for row in every_row(folder)]
    assert len(set(texts)) == SIZE


def test_held_out_tools_are_neither_called_nor_offered(folder: Path) -> None:
    """They are for suites."""
    offered = {tool["function"]["name"] for row in every_row(folder) for tool in row.get("tools", ())}
    assert HELD_OUT
    assert not offered & HELD_OUT
    assert offered == {tool.name for tool in known_tools(None)} - HELD_OUT


def test_a_seed_has_the_bytes_it_always_had(folder: Path, tmp_path: Path) -> None:
    """On every version of Python; another seed gives others."""
    assert read_manifest(folder).fingerprint == "5d65da82b5d98da8828887ffec37aa894d563556aa8840a9bc535d752cdefb9a"
    assert generate_toolcalls(tmp_path / "again", SIZE, 3).hashes == read_manifest(folder).hashes
    other = generate_toolcalls(tmp_path / "other", SIZE, 5).hashes
    assert not set(other.values()) & set(read_manifest(folder).hashes.values())


@pytest.mark.parametrize("family", FAMILIES)
def test_texts_hold_the_calls_of_their_family(folder: Path, tmp_path: Path, family: str) -> None:
    """The same conversations as texts: each call stands there as the family writes it, and nothing else is lost."""
    generate_toolcalls(tmp_path / "texts", SIZE, 3, family=family)
    for text, row in zip(every_row(tmp_path / "texts"), every_row(folder), strict=True):
        assert text["id"] == row["id"]
        parts = [render_calls(calls, family) for calls in called(row)]
        parts += [message["content"] for message in row["messages"] if message["role"] in ("user", "assistant")]
        assert all(part in text["text"] for part in parts)
        assert all(tool["function"]["name"] in text["text"] for tool in row.get("tools", ()))
    validate(tmp_path / "texts").require_sound()


def test_shares_are_settable(tmp_path: Path) -> None:
    """A kind that is left out has no row, and relative shares need not add up to a hundred."""
    recipe = generate_toolcalls(tmp_path / "data", 100, 0, shares={"call": 3, "negative": 1}).recipe
    assert recipe["kinds"] == {"call": 75, "parallel": 0, "multi_turn": 0, "negative": 25, "plain": 0}
    assert recipe["calling_percent"] == 75


def bare(name: str, **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"name": name, "description": f"Look up {name.replace('_', ' ')}.", "parameters": parameters}


def tools_file(folder: Path, *tools: Any) -> Path:
    path = folder / "tools.json"
    path.write_text(json.dumps(tools))
    return path


def test_the_users_own_tools_need_only_a_schema(tmp_path: Path) -> None:
    """Requests, results and answers are derived; nested objects, references and choices are drawn from."""
    point = {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}}, "required": ["x"]}
    given = [
        bare("weather", city={"type": "string"}, days={"type": "integer", "minimum": 1, "maximum": 7}),
        bare("distance", start={"$ref": "#/$defs/point"}, end={"$ref": "#/$defs/point"}),
        bare("price", of={"anyOf": [{"type": "integer"}, {"type": "string", "enum": ["gold", "silver"]}]}),
    ]
    given[1]["parameters"]["$defs"] = {"point": point}
    generate_toolcalls(tmp_path / "data", 200, 0, tools=tools_file(tmp_path, *given))
    rows = every_row(tmp_path / "data")
    names = {call.name for row in rows for calls in called(row) for call in calls}
    assert names == {"weather", "distance", "price"}
    for row in rows:
        for message in row["messages"]:
            assert not spoken_calls(message["content"], row.get("tools", ())).calls


def test_names_that_python_cannot_spell_are_taught_where_no_python_is_written(tmp_path: Path) -> None:
    """Hyphens are common in names of tools and arguments; one argument is said once."""
    tools = tools_file(tmp_path, bare("read-file", **{"file-path": {"type": "string"}}), bare("now"))
    shares = {"call": 1}
    manifest = generate_toolcalls(tmp_path / "data", 60, 0, tools=tools, shares=shares)
    assert not manifest.removed
    asked = [row["messages"][0]["content"] for row in every_row(tmp_path / "data")]
    assert any("file path" in text for text in asked)
    assert all(text.count("file path") <= 1 for text in asked)
    with pytest.raises(DataError, match="not the same calls in pythonic"):
        generate_toolcalls(tmp_path / "texts", 60, 0, tools=tools, shares=shares, family="pythonic")


@pytest.mark.parametrize("given", [{"says": {"day": ["on {date}"]}}, {"writes": {"place": "{street}"}}])
def test_a_text_that_cannot_be_filled_is_named(tmp_path: Path, given: dict[str, Any]) -> None:
    """With the text; nothing is written."""
    function = bare("f", x={"type": "integer"}, place={"type": "object", "properties": {"town": {"type": "string"}}})
    function["parameters"]["properties"]["day"] = {"type": "string", "format": "date"}
    with pytest.raises(DataError, match="cannot be filled"):
        generate_toolcalls(tmp_path / "data", 60, 0, tools=tools_file(tmp_path, {"function": function, **given}))
    assert not (tmp_path / "data").exists()


def test_what_no_format_can_carry_goes_to_the_ledger(tmp_path: Path) -> None:
    """A value that would end its XML parameter does not come back; the row has a line, and others take its place."""
    mark = {"type": "string", "enum": ["fine", "good", "</parameter>"]}
    tools = tools_file(tmp_path, bare("mark", sign=mark, page={"type": "integer"}))
    manifest = generate_toolcalls(tmp_path / "data", 100, 0, tools=tools, shares={"call": 1})
    assert sum(manifest.counts.values()) == 100
    assert manifest.removed["not the same calls in xml"] > 0
    ledger = [row for _, row in read_jsonl(tmp_path / "data" / "removed.jsonl")]
    assert len(ledger) == sum(manifest.removed.values())
    assert all("</parameter>" in row["value"] for row in ledger)


@pytest.mark.parametrize(
    ("tools", "what"),
    [
        ([], "list of tools"),
        ([{"function": {"name": "two words"}}], "no name of a function"),
        ([{"function": {"name": "f"}, "request": ["x"]}], "request"),
        ([bare("f", x={"not": {}})], "'not' is not understood"),
        ([bare("f", x={"type": "text"})], "no type of JSON"),
        ([bare("f", x={"$ref": "#/$defs/none"})], "names nothing"),
        ([bare("f", x={"type": ["string", 1]})], "no type of JSON"),
        ([bare("f", x={"enum": "abc"})], "'enum' is 'abc', no list"),
        ([bare("f", x={"type": "object", "properties": ["a"]})], "'properties' is"),
        ([bare("f", x={"type": "string", "pattern": "("})], "no regular expression"),
        ([bare("f", **{"user.name": {"type": "string"}})], "cannot be a slot"),
        ([{"function": bare("f"), "requests": [""]}], "no request for f"),
        ([bare("f"), bare("f")], "Two tools are called 'f'"),
        ([{"function": bare("f", x={"type": "string"}), "requests": ["Do it."]}], "no request for f"),
        ([{"function": bare("f"), "answers": ["{nothing}."]}], "no answer of f"),
        ([{"function": bare("f"), "held_out": True}], "none to teach"),
    ],
)
def test_tools_that_cannot_be_drawn_from_are_refused(tmp_path: Path, tools: list[Any], what: str) -> None:
    """With the file, the tool and the key; nothing is written."""
    with pytest.raises(DataError, match=what) as error:
        generate_toolcalls(tmp_path / "data", 100, 0, tools=tools_file(tmp_path, *tools))
    assert "tools.json" in error.value.where
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"shares": {"calls": 1}}, "no kind 'calls'"),
        ({"shares": {"call": 0}}, "not all of them 0"),
        ({"family": "qwen"}, "no family 'qwen'"),
        ({"count": 59}, "too few"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, options: dict[str, Any], what: str) -> None:
    """Before anything is written."""
    with pytest.raises(UsageError, match=what):
        generate_toolcalls(tmp_path / "data", **{"count": 100, "seed": 0, **options})
    assert not (tmp_path / "data").exists()


def test_too_few_conversations_end_with_a_sentence(tmp_path: Path) -> None:
    """One tool without arguments has no parallel calls, however long one draws."""
    with pytest.raises(PunieError, match="different conversations of the kind parallel"):
        generate_toolcalls(tmp_path / "data", 100, 0, tools=tools_file(tmp_path, bare("now")), shares={"parallel": 1})
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
def test_every_one_of_ten_thousand_rows_is_sound(tmp_path: Path) -> None:
    """None is there twice, none was removed, and each is what its declarations allow."""
    manifest = generate_toolcalls(tmp_path / "data", 10_000, 11)
    rows = every_row(tmp_path / "data")
    assert sum(manifest.counts.values()) == len(rows) == 10_000
    assert not manifest.removed
    assert len({json.dumps([row["messages"], row.get("tools")]) for row in rows}) == 10_000
    for row in rows:
        assert_sound(row)
