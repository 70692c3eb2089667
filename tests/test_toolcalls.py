"""Tool calls: every family is read as it is written, and rewritten into every other without loss or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from punie.conversation import ToolCall
from punie.errors import DataError
from punie.files import read_jsonl
from punie.toolblocks import FAMILIES, Family
from punie.toolcalls import (
    family_of,
    parse_calls,
    render_call,
    render_calls,
    rewrite_calls,
    same_calls,
    spoken_calls,
)

BFCL = Path(__file__).parents[2] / "shared" / "data" / "bfcl"
PAIRS = [(source, target) for source in FAMILIES for target in FAMILIES if source != target]
PIPE = ToolCall("grep", {"pattern": "a|b", "limit": 5, "flags": ["-i"], "deep": True})
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "grep",
            "parameters": {
                "type": "object",
                "properties": {
                    "pattern": {"type": "string"},
                    "limit": {"type": "integer"},
                    "flags": {"type": "array"},
                    "deep": {"type": "boolean"},
                },
            },
        },
    }
]
WRITTEN: dict[Family, str] = {
    "json": '<tool_call>\n{"name": "grep", "arguments": '
    '{"pattern": "a|b", "limit": 5, "flags": ["-i"], "deep": true}}\n</tool_call>',
    "xml": "<tool_call>\n<function=grep>\n<parameter=pattern>\na|b\n</parameter>\n<parameter=limit>\n5\n</parameter>\n"
    '<parameter=flags>\n["-i"]\n</parameter>\n<parameter=deep>\ntrue\n</parameter>\n</function>\n</tool_call>',
    "mistral": '[TOOL_CALLS] [{"name": "grep", "arguments": '
    '{"pattern": "a|b", "limit": 5, "flags": ["-i"], "deep": true}}]',
    "pythonic": """[grep(pattern='a|b', limit=5, flags=['-i'], deep=True)]""",
    "llama": '{"name": "grep", "parameters": {"pattern": "a|b", "limit": 5, "flags": ["-i"], "deep": true}}',
}

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NUMBERS = st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    TEXTS | NUMBERS | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
CALLS = st.lists(st.builds(ToolCall, NAMES, st.dictionaries(NAMES, VALUES, max_size=4)), min_size=1, max_size=3)


def declared(calls: Sequence[ToolCall]) -> list[Mapping[str, Any]]:
    """Declarations under which every argument that is text is declared as text."""
    return [
        {
            "function": {
                "name": call.name,
                "parameters": {
                    "properties": {
                        name: {"type": "string" if isinstance(value, str) else "any"}
                        for name, value in call.arguments.items()
                    }
                },
            }
        }
        for call in calls
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_writes_its_own_text(family: Family) -> None:
    """The text is the one that the family's models were trained on, and it is known again."""
    assert render_call(PIPE, family) == WRITTEN[family]
    assert family_of(WRITTEN[family]) == family


@settings(deadline=None)
@given(CALLS)
@example([ToolCall("f", {"text": '</tool_call> [TOOL_CALLS] <|python_tag|> \\ " ; {'})])
def test_written_calls_are_read_again(calls: list[ToolCall]) -> None:
    """JSON families give back every name and value, types included, whatever the values hold."""
    for family in ("json", "mistral", "llama"):
        read = parse_calls(render_calls(calls, family), family)
        assert not read.malformed
        assert same_calls(read.calls, calls)


@settings(deadline=None)
@given(st.builds(ToolCall, NAMES, st.dictionaries(NAMES, VALUES, max_size=4)))
@example(ToolCall("f", {"path": "5", "body": "\n  two lines\n\n", "flag": "True", "nothing": "null"}))
def test_written_elements_are_read_again(call: ToolCall) -> None:
    """XML gives back every call whose texts are declared as text and do not end the element themselves."""
    assume(not any("</parameter>" in value for value in call.arguments.values() if isinstance(value, str)))
    read = parse_calls(render_call(call, "xml"), "xml", declared([call]))
    assert not read.malformed
    assert same_calls(read.calls, [call])


@settings(deadline=None)
@given(CALLS, st.sampled_from(PAIRS), TEXTS)
def test_rewriting_keeps_the_calls_or_refuses(calls: list[ToolCall], pair: tuple[Family, Family], prose: str) -> None:
    """The new text means the same calls, a second rewriting changes nothing, and what cannot be said is an error."""
    source, target = pair
    text = render_calls(calls, source)
    assume(family_of(prose + text) == source and same_calls(parse_calls(prose + text, source, TOOLS).calls, calls))
    try:
        written = rewrite_calls(prose + text, target, TOOLS)
    except DataError:
        return
    assert same_calls(parse_calls(written, target, TOOLS).calls, calls)
    # White space before a call without a mark of its own is taken for the call's.
    assert written.lstrip().startswith(prose.strip())


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_call_is_rewritten_between_all_families(source: Family, target: Family) -> None:
    """Alone, and after a sentence; there and back gives the first text again."""
    assert rewrite_calls(WRITTEN[source], target, TOOLS) == WRITTEN[target]
    tags = {"llama": "<|python_tag|>", "pythonic": "<|python_tag|>"}
    before, after = (f"Let me look.\n{tags.get(family, '')}{WRITTEN[family]}" for family in (source, target))
    assert rewrite_calls(before, target, TOOLS) == after


def test_calls_in_a_row_become_one_list() -> None:
    """Mistral writes all calls of a turn in one list; text after them stays."""
    text = f"{WRITTEN['json']}\n{WRITTEN['json']}\nDone."
    assert rewrite_calls(text, "mistral") == f"{render_calls([PIPE, PIPE], 'mistral')}\nDone."
    assert rewrite_calls(text, "xml", TOOLS) == f"{WRITTEN['xml']}\n{WRITTEN['xml']}\nDone."


@pytest.mark.parametrize(
    ("text", "target", "says"),
    [
        ('<tool_call>{"name": 1}</tool_call>', "xml", "is none"),
        ("<tool_call>{}", "llama", "is none"),
        ('<tool_call>{"name": "f", "arguments": {"n": "5"}}</tool_call>', "xml", "cannot say"),
        ('<tool_call>{"name": "f", "arguments": {"n": "</parameter>"}}</tool_call>', "xml", "cannot say"),
        ('<tool_call>{"name": "f f", "arguments": {}}</tool_call>', "xml", "cannot say"),
        (WRITTEN["json"] + " There it is.", "llama", "cannot say"),
    ],
)
def test_what_cannot_be_said_is_refused(text: str, target: Family, says: str) -> None:
    """A broken call, a text that would be read as a number, prose where the family has no place for it."""
    with pytest.raises(DataError, match=says):
        rewrite_calls(text, target)


@pytest.mark.parametrize(
    "text", ["", "No call.", '{"answer": 5}', '{"name": "Ada", "age": 36}', "[1, 2]", "a <tool> b", "[TOOL] x"]
)
def test_text_without_calls_stays(text: str) -> None:
    """Prose, and JSON that is an answer, mean no call in any family."""
    assert family_of(text) is None
    assert all(rewrite_calls(text, family) is text for family in FAMILIES)
    assert all(not parse_calls(text, family).calls for family in FAMILIES)


@pytest.mark.parametrize(
    ("text", "family", "calls"),
    [
        ("<function=f>\n<parameter=a>\n1\n</parameter>\n</function>\n</tool_call>", "xml", [("f", {"a": 1})]),
        ("<tool_call><function=f></function></tool_call>", "xml", [("f", {})]),
        (
            "<function=f><parameter=a>True</parameter><parameter=b>so</parameter></function>",
            "xml",
            [("f", {"a": True, "b": "so"})],
        ),
        ("<tool_call><function=f><parameter=a>1</tool_call>", "xml", []),
        ('<tool_call>{"name": "f", "arguments": {}}</tool_call>', "xml", []),
        ('[TOOL_CALLS]f[ARGS]{"a": 1}[TOOL_CALLS]g[ARGS]{}', "mistral", [("f", {"a": 1}), ("g", {})]),
        ('[TOOL_CALLS]f[CALL_ID]a1B2c3d4e[ARGS]{"a": 1}[TOOL_CALLS]g[ARGS]{}', "mistral", [("f", {"a": 1}), ("g", {})]),
        ('[TOOL_CALLS] [{"name": "f", "arguments": {}, "id": "x"}]</s>', "mistral", [("f", {})]),
        ('[TOOL_CALLS] [{"name": "f"}]', "mistral", []),
        (
            '<|python_tag|>{"name": "f", "parameters": {}} ; {"name": "g", "parameters": {}}',
            "llama",
            [("f", {}), ("g", {})],
        ),
        ('{"name": "f", "parameters": {"a": ', "llama", []),
        ("<tool_call>" + "[" * 100_000, "json", []),
    ],
)
def test_what_models_really_write_is_read(text: str, family: Family, calls: list[tuple[str, dict[str, Any]]]) -> None:
    """A missing first mark, headers instead of a list, cut text: calls where they are whole, malformed where not."""
    read = parse_calls(text, family)
    assert [(call.name, call.arguments) for call in read.calls] == calls
    assert bool(read.malformed) != bool(calls)


def test_our_text_is_what_mlx_lm_reads() -> None:
    """The parsers of the server that will serve the model find the same calls."""
    from mlx_lm.tool_parsers import json_tools, mistral, pythonic, qwen3_coder

    inner = {family: parse_body(WRITTEN[family], family) for family in FAMILIES}
    expected = {"name": PIPE.name, "arguments": dict(PIPE.arguments)}
    assert json_tools.parse_tool_call(inner["json"]) == expected
    assert mistral.parse_tool_call(inner["mistral"]) == expected
    assert pythonic.parse_tool_call(inner["pythonic"]) == expected
    assert qwen3_coder.parse_tool_call(inner["xml"].strip(), TOOLS) == expected


SPOKEN = [
    # text, calls, faults
    (WRITTEN["json"], 1, []),
    ("<tool_call>[" + WRITTEN["json"][12:-13] + "," + WRITTEN["json"][12:-13] + "]</tool_call>", 2, []),
    (f"```\n{WRITTEN['json']}\n```", 0, []),
    (f"```\n{WRITTEN['json']}\n```\n{WRITTEN['xml']}", 1, []),
    (f"```\n{WRITTEN['json']}\nis how", 0, []),
    (f"`{WRITTEN['mistral']}` is how. {WRITTEN['mistral']}", 1, []),
    ("<function=f>\n<parameter=body>\n```\ncode\n```\n</parameter>\n</function>\n" + WRITTEN["xml"], 2, []),
    (f"{WRITTEN['json']}\n```\n{WRITTEN['json']}\n```", 1, []),
    (WRITTEN["pythonic"] + "<|eot_id|>", 1, []),
    (f"<|python_tag|>{WRITTEN['pythonic'][1:-1]}", 1, []),
    (f"<|tool_call_start|>{WRITTEN['pythonic']}<|tool_call_end|> Done.", 1, []),
    ("[f(x=true, y=null, z=(1, -2.5), w={'a': [1]})]", 1, []),
    ("[f(x) for x in y]", 0, []),
    ("[f(x=y)]", 0, ["wrong shape"]),
    ("[f(1)]", 0, ["wrong shape"]),
    ("[f(x=)]", 0, ["unparseable"]),
    ("[f(x=1), see above]", 0, []),
    ('<tool_call>{"name": "f", "arguments": {}} {"name": "g", "arguments": {}}</tool_call>', 0, ["unparseable"]),
    ('<tool_call>{"name": "f", "arguments": "{}"}</tool_call>', 0, ["wrong shape"]),
    ("<tool_call>{'name': 'f', 'arguments': {}}</tool_call>", 0, ["unparseable"]),
    ('{"name": "f", "parameters": []}', 0, ["wrong shape"]),
    ('{"name": "f", "parameters": {}} is how', 0, ["unparseable"]),
    ('[TOOL_CALLS] {"name": "f", "arguments": {}}', 0, ["wrong shape"]),
    ("[TOOL_CALLS]f[ARGS]{", 0, ["unparseable"]),
]


@pytest.mark.parametrize(("text", "calls", "faults"), SPOKEN)
def test_calls_are_spoken_or_shown(text: str, calls: int, faults: list[str]) -> None:
    """Any family is read; what stands in code is not a call; what is meant as one and is none says what is wrong."""
    read = spoken_calls(text, TOOLS)
    assert (len(read.calls), [block.fault for block in read.malformed]) == (calls, faults)


def parse_body(text: str, family: Family) -> str:
    """What mlx-lm hands to its parser: the text between the marks."""
    return text.removeprefix("<tool_call>").removesuffix("</tool_call>").removeprefix("[TOOL_CALLS]")


@pytest.mark.skipif(not BFCL.is_dir(), reason="the public rows are not here")
@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_public_calls_survive(source: Family, target: Family) -> None:
    """The expected calls of BFCL's parallel cases are the same in every family."""
    for tools, calls in public_calls()[:60]:
        written = rewrite_calls(render_calls(calls, source), target, tools)
        assert same_calls(parse_calls(written, target, tools).calls, calls)


def public_calls() -> list[tuple[list[Any], list[ToolCall]]]:
    asked = {row["id"]: row["function"] for _, row in read_jsonl(BFCL / "parallel.jsonl")}
    return [
        ([{"function": function} for function in asked[row["id"]]], [expected(call) for call in row["ground_truth"]])
        for _, row in read_jsonl(BFCL / "parallel.answers.jsonl")
    ]


def expected(call: dict[str, Any]) -> ToolCall:
    """BFCL lists the values an argument may have; the first is taken."""
    ((name, arguments),) = call.items()
    return ToolCall(name, {key: values[0] for key, values in arguments.items()})
