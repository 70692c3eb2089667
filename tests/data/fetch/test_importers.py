"""Other people's formats: every row converted, or in the ledger with the reason."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from punie.data.dataset import Manifest
from punie.data.fetch.importers.bfcl import json_schema
from punie.data.fetch.importers.columns import mapped, parse_columns, recognise
from punie.data.fetch.importers.formats import CONVERTERS, convert_record, import_
from punie.data.fetch.importers.records import Record, read_records
from punie.data.fetch.importers.row import CannotImport
from punie.data.fetch.importers.strandset import TASKS
from punie.data.schema import row_problem
from punie.errors import DataError, UsageError
from punie.files import read_jsonl

SHARED = Path(__file__).parents[4] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the public benchmark rows are not beside the repository")


def convert(format: str, source: Any) -> dict[str, Any]:
    return convert_record(Record(1, json.dumps(source).encode()), CONVERTERS[format])


def turns(row: dict[str, Any]) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in row["messages"]]


def calls(message: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(call["function"]["name"], call["function"]["arguments"]) for call in message["tool_calls"]]


def rows(folder: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_jsonl(folder / "train.jsonl")]


# Chats.


def test_alpaca() -> None:
    """Instruction and input are the question; system and history stand before it; other fields are kept."""
    plain = convert("alpaca", {"instruction": "Add.", "input": "1 2", "output": "3", "mine": [1]})
    assert turns(plain) == [("user", "Add.\n\n1 2"), ("assistant", "3")]
    assert plain["metadata"]["mine"] == [1]
    full = {"instruction": "And 3?", "output": "6", "system": "Be brief.", "history": [["1 + 2?", "3"]]}
    assert [role for role, _ in turns(convert("alpaca", full))] == ["system", "user", "assistant", "user", "assistant"]


def test_sharegpt() -> None:
    """Turns by human and gpt; a function_call turn is a call, an observation its result."""
    source = {
        "conversations": [
            {"from": "human", "value": "Weather?"},
            {"from": "function_call", "value": '{"name": "weather", "arguments": {"city": "Bonn"}}'},
            {"from": "observation", "value": '{"c": 20}'},
            {"from": "gpt", "value": "20 degrees."},
        ],
        "tools": '[{"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}]',
        "id": "s1",
    }
    row = convert("sharegpt", source)
    assert [role for role, _ in turns(row)] == ["user", "assistant", "tool", "assistant"]
    assert calls(row["messages"][1]) == [("weather", {"city": "Bonn"})]
    assert row["tools"][0]["function"]["name"] == "weather"
    assert row["id"] == row["metadata"]["source_id"] == "s1"


def test_openai() -> None:
    """Arguments in JSON text become objects, ids stay, older function_call and developer roles are understood."""
    source = {
        "messages": [
            {"role": "developer", "content": "Use tools."},
            {"role": "user", "content": "Hi"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "ok"},
            {"role": "assistant", "content": "", "function_call": {"name": "g", "arguments": "{}"}},
        ],
        "functions": [{"name": "g", "parameters": {}}],
        "parallel_tool_calls": False,
    }
    row = convert("openai", source)
    assert row["messages"][0]["role"] == "system"
    assert calls(row["messages"][2]) == [("f", {"a": 1})]
    assert row["messages"][2]["tool_calls"][0]["id"] == row["messages"][3]["tool_call_id"] == "c1"
    assert calls(row["messages"][4]) == [("g", {})]
    assert row["metadata"]["parallel_tool_calls"] is False


GLAIVE_SYSTEM = """SYSTEM: You are a helpful assistant with access to the following functions. Use them if required -
{
    "name": "convert",
    "description": "Convert money",
    "parameters": {"type": "object", "properties": {"amount": {"type": "number"}}}
}
{"name": "lookup", "parameters": {}}
"""


def glaive_chat(call: str) -> dict[str, str]:
    chat = (
        f"USER: Convert 5.\n\n\nASSISTANT: Sure. <functioncall> {call} <|endoftext|>\n\n\n"
        'FUNCTION RESPONSE: {"amount": 4.5}\n\n\nASSISTANT: It is 4.5. <|endoftext|>\n\n\n'
    )
    return {"system": GLAIVE_SYSTEM, "chat": chat}


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("""{"name": "convert", "arguments": '{"amount": 5, "exact": true}'}""", {"amount": 5, "exact": True}),
        ("""{"name": "convert", "arguments": '{"text": "it\\'s \\"5\\""}'}""", {"text": 'it\'s "5"'}),
        ("""{"name": "convert", "arguments": {"amount": 5}}""", {"amount": 5}),
        ("""{"name": "convert", "arguments": '{}'}""", {}),
        ("""{'name': 'convert', 'arguments': {'amount': None}}""", {"amount": None}),
    ],
)
def test_glaive(call: str, arguments: dict[str, Any]) -> None:
    """Declarations leave the system text, calls are parsed whatever quotes they use, results become tool turns."""
    row = convert("glaive", glaive_chat(call))
    assert [tool["function"]["name"] for tool in row["tools"]] == ["convert", "lookup"]
    assert [role for role, _ in turns(row)] == ["system", "user", "assistant", "tool", "assistant"]
    assert turns(row)[0][1].endswith("Use them if required")
    assert turns(row)[2][1] == "Sure."
    assert calls(row["messages"][2]) == [("convert", arguments)]
    assert turns(row)[3:] == [("tool", '{"amount": 4.5}'), ("assistant", "It is 4.5.")]
    assert row["category"] == "tool_calling"


# Strandset.

STRANDSET = {
    "bug_detection": (
        {"buggy_code": "a - b", "code_context": "fn add"},
        {"bug_description": "Sign.", "fixed_code": "a + b"},
    ),
    "code_generation": (
        {"title": "Add", "description": "Adds", "function_signature": "fn add()"},
        {"code": "fn add() {}"},
    ),
    "test_generation": ({"code_to_test": "fn f() {}"}, {"test_cases": ["#[test] fn a() {}", "#[test] fn b() {}"]}),
    "function_naming": ({"code": "fn PLACEHOLDER() {}"}, {"function_name": "go"}),
}


@pytest.mark.parametrize("write", [json.dumps, repr], ids=["json", "python"])
@pytest.mark.parametrize("category", STRANDSET)
def test_strandset(category: str, write: Any) -> None:
    """Payloads in JSON or as Python literals give the same question, with all its fields, and the same answer."""
    given, answer = STRANDSET[category]
    source = {"crate_name": "c", "task_category": category, "test": "assert!(true)"}
    row = convert("strandset", {**source, "input_data": write(given), "output_data": write(answer)})
    question, said = (content for _, content in turns(row))
    assert row["category"] == row["metadata"]["category"] == category
    assert all(value in question for value in given.values())
    assert all(part in said for value in answer.values() for part in (value if isinstance(value, list) else [value]))
    assert row["metadata"]["tests"] == ["assert!(true)"]
    assert row["metadata"]["crate_name"] == "c"
    assert row["metadata"]["licence"] == "Apache-2.0"


def test_strandset_has_fifteen_kinds() -> None:
    """The dataset card's fifteen categories."""
    assert len(TASKS) == 15


# What cannot be imported.


@pytest.mark.parametrize(
    ("format", "source", "why"),
    [
        ("alpaca", {"instruction": "Add."}, "output is not a text"),
        ("alpaca", {"instruction": " ", "output": "3"}, "instruction is not a text"),
        ("sharegpt", {"conversations": []}, "no list of turns"),
        ("sharegpt", {"conversations": [{"from": "alien", "value": "hi"}]}, "'alien', whom nobody knows"),
        ("openai", {"messages": [{"role": "user", "content": "hi"}]}, "messages"),
        ("openai", {"messages": [{"role": "assistant", "tool_calls": [{"function": {}}]}]}, "without a name"),
        ("glaive", {"system": "", "chat": "USER: hi"}, "system is not a text"),
        ("glaive", glaive_chat('{"name": "convert", "arguments": {broken'), "neither JSON nor a Python literal"),
        ("strandset", {"task_category": "poetry"}, "none of the fifteen"),
        ("strandset", {"task_category": "code_search", "input_data": "{}", "output_data": "oops("}, "neither JSON nor"),
        ("strandset", {"task_category": "code_search", "input_data": "{}", "output_data": "{}"}, "no code_snippet"),
        ("mbpp", {"task_id": 1, "text": "t", "code": "c", "test_list": []}, "test_list is empty"),
        ("humaneval", {"task_id": "x", "prompt": "p", "canonical_solution": "c", "test": "t"}, "entry_point"),
        ("openai", [1], "not a JSON object"),
        ("sharegpt", {"conversations": [["human", "hi"]]}, "not an object"),
    ],
)
def test_the_reason_is_named(format: str, source: Any, why: str) -> None:
    """A row that cannot be imported says what is missing or wrong."""
    with pytest.raises(CannotImport, match=why):
        convert(format, source)


FIELDS = (
    "messages conversations role from value content tool_calls function name arguments instruction output input "
    "history system chat tools prompt task_id test_list code text task_category input_data output_data"
).split()


@pytest.mark.parametrize("format", CONVERTERS)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(FIELDS),
                inner,
            )
        ),
    )
)
def test_no_record_breaks_an_importer(format: str, source: Any) -> None:
    """Whatever a file holds, a record becomes a row that can be taught from, or a reason."""
    try:
        row = convert(format, source)
    except CannotImport:
        return
    assert row_problem(row) is None


def test_counts_close_and_the_ledger_names_the_line(tmp_path: Path) -> None:
    """Rows in = rows kept + rows in the ledger, a line that is no JSON included."""
    good = json.dumps({"instruction": "Add.", "output": "3"})
    path = tmp_path / "a.jsonl"
    path.write_text(f'{good}\n{{"instruction": "x"}}\n{good[:-4]}\n{good}\n')
    manifest = import_("alpaca", path, tmp_path / "out")
    assert (manifest.counts, manifest.removed) == ({"train": 2}, {"cannot be imported": 2})
    assert manifest.parents[0].rows == 4
    removed = [row for _, row in read_jsonl(tmp_path / "out/removed.jsonl")]
    assert [row["line"] for row in removed] == [2, 3]
    assert "output is not a text" in removed[0]["value"]
    assert "not valid JSON" in removed[1]["value"]


# Files.


def pack_parquet(path: Path, sources: list[dict[str, Any]]) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist(sources), path)


@pytest.mark.parametrize("packing", ["lines", "list", "lines.gz", "list.gz", "parquet"])
def test_any_packing_gives_the_same_rows(tmp_path: Path, packing: str) -> None:
    """A file is what its first bytes say, whatever it is called."""
    sources = [{"instruction": f"n {number}", "output": "ü\u2028x"} for number in range(3)]
    lines = "".join(json.dumps(source, ensure_ascii=False) + "\n" for source in sources).encode()
    data = json.dumps(sources, indent=1).encode() if "list" in packing else lines
    path = tmp_path / "rows"
    path.write_bytes(gzip.compress(data) if packing.endswith(".gz") else data)
    if packing == "parquet":
        pack_parquet(path, sources)
    assert [record.line for record in read_records(path)] == [1, 2, 3]
    assert [json.loads(record.raw) for record in read_records(path)] == sources


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (gzip.compress(b'{"a": 1}\n' * 999, mtime=0)[:-9], "gzip file is broken"),
        (b'[{"a": 1}, {"a"', "Not valid JSON"),
        (b"PAR1 and no more", "Parquet file is broken"),
    ],
)
def test_a_broken_file_is_a_sentence(tmp_path: Path, data: bytes, says: str) -> None:
    """Nothing is written from a file that ends too early."""
    (tmp_path / "rows").write_bytes(data)
    with pytest.raises(DataError, match=says):
        import_("alpaca", tmp_path / "rows", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_parquet_without_its_library_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parquet is an extra; the error says how to install it."""
    (tmp_path / "rows.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match="needs pyarrow") as caught:
        import_("alpaca", tmp_path / "rows.parquet", tmp_path / "out")
    assert "punie[parquet]" in caught.value.hint


def test_an_unknown_format_has_a_suggestion(tmp_path: Path) -> None:
    """A typo is met with the name that was meant."""
    with pytest.raises(UsageError, match="no format called") as caught:
        import_("shargpt", tmp_path / "x", tmp_path / "out")
    assert "Did you mean sharegpt?" in caught.value.hint


# Public benchmarks.


def imported(format: str, path: str, tmp_path: Path) -> tuple[Manifest, list[dict[str, Any]]]:
    manifest = import_(format, SHARED / path, tmp_path / "out")
    return manifest, rows(tmp_path / "out")


@needs_shared
def test_humaneval(tmp_path: Path) -> None:
    """164 tasks; the completion is the whole function; tests and entry point are kept."""
    manifest, found = imported("humaneval", "humaneval/HumanEval.jsonl.gz", tmp_path)
    assert (manifest.counts, manifest.removed) == ({"train": 164}, {})
    first = found[0]
    assert first["id"] == "HumanEval/0"
    assert first["completion"].startswith(first["prompt"])
    assert first["metadata"]["entry_point"] == "has_close_elements"
    assert first["metadata"]["licence"] == "MIT"
    compile(first["completion"], "first", "exec")


@needs_shared
def test_mbpp(tmp_path: Path) -> None:
    """464 tasks with their asserts; line ends are LF."""
    manifest, found = imported("mbpp", "mbpp/mbpp_511_974.jsonl", tmp_path)
    assert (manifest.counts, manifest.removed) == ({"train": 464}, {})
    assert found[0]["metadata"]["tests"][0] == "assert find_Min_Sum(12) == 7"
    assert found[0]["metadata"]["challenge_test_list"] == []
    assert not any("\r" in row["completion"] for row in found)


@needs_shared
@pytest.mark.parametrize(
    ("name", "kept", "removed"),
    [("simple_python", 200, 0), ("multiple", 100, 0), ("parallel", 100, 0), ("parallel_multiple", 99, 1)],
)
def test_bfcl(tmp_path: Path, name: str, kept: int, removed: int) -> None:
    """Questions with declarations as JSON Schema and the right calls; an answer that is not declared is left out."""
    manifest, found = imported("bfcl", f"bfcl/{name}.jsonl", tmp_path)
    assert (manifest.counts, sum(manifest.removed.values())) == ({"train": kept}, removed)
    for row in found:
        declared = {tool["function"]["name"]: tool["function"]["parameters"] for tool in row["tools"]}
        assert row["category"] == name
        for function, arguments in calls(row["messages"][-1]):
            assert set(arguments) <= set(declared[function]["properties"])
    assert '"type":"dict"' not in (tmp_path / "out/train.jsonl").read_text().replace(" ", "")


@needs_shared
def test_questions_without_answers_are_not_taught(tmp_path: Path) -> None:
    """BFCL's irrelevance file has no answers, so there is nothing to teach from."""
    with pytest.raises(UsageError, match="answers to these questions are not there"):
        imported("bfcl", "bfcl/irrelevance.jsonl", tmp_path)


def test_types_become_json_schema() -> None:
    """dict, float, tuple and any are renamed at every depth; a parameter that is called type is left alone."""
    before = {
        "type": "dict",
        "properties": {"type": {"type": "float"}, "at": {"type": "tuple", "items": {"type": "dict", "properties": {}}}},
        "required": ["type"],
    }
    after = json_schema({**before, "x": {"type": "dict"}})
    assert after["type"] == "object"
    assert after["properties"]["type"] == {"type": "number"}
    assert after["properties"]["at"] == {"type": "array", "items": {"type": "object", "properties": {}}}
    assert after["x"] == {"type": "dict"}
    assert "type" not in json_schema({"type": "any", "description": "d"})


# Columns.


def test_columns_are_mapped() -> None:
    """Named columns become the row, the others metadata."""
    row = mapped(parse_columns("prompt=q,completion=a,category=kind"), "org/name")(
        {"q": "?", "a": "!", "kind": "k", "z": 1}
    )
    assert (row["prompt"], row["completion"], row["category"]) == ("?", "!", "k")
    assert row["metadata"]["z"] == 1
    chat = mapped(parse_columns("messages=talk"), "o")(
        {"talk": [{"from": "human", "value": "?"}, {"from": "gpt", "value": "!"}]}
    )
    assert turns(chat) == [("user", "?"), ("assistant", "!")]


@pytest.mark.parametrize(
    "columns",
    [
        ["messages"],
        ["conversations", "id"],
        ["instruction", "input", "output"],
        ["prompt", "completion"],
        ["instruction", "response"],
        ["question", "answer", "level"],
        ["text", "url"],
    ],
)
def test_known_columns_are_recognised(columns: list[str]) -> None:
    """The usual names need no mapping."""
    chat = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}]
    record = {column: chat if column in ("messages", "conversations") else "x" for column in columns}
    assert row_problem(recognise(columns, "org/name")(record)) is None


def test_unknown_columns_are_listed() -> None:
    """The user sees what there is to choose from."""
    with pytest.raises(DataError, match="cannot be told") as caught:
        recognise(["premise", "label"], "org/name")
    assert "premise, label" in caught.value.hint


@pytest.mark.parametrize(
    "text", ["prompt", "prompt=", "=a", "prompt=a", "colour=a", "prompt=a,prompt=b", "text=a,prompt=b"]
)
def test_a_wrong_mapping_is_refused(text: str) -> None:
    """A mapping makes one of mlx-lm's shapes, or is an error with an example."""
    with pytest.raises(UsageError) as caught:
        parse_columns(text)
    assert "prompt=instruction" in caught.value.hint
