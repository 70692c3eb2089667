"""Rules: what each one drops, and what it says about it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from punie.data.choose.engine import judge_with
from punie.data.choose.rules import RULES, make_rule, make_rules
from punie.data.look.stats import TokenSettings, stats
from punie.errors import UsageError


def chat(*contents: str, **fields: Any) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[n % 2], "content": text} for n, text in enumerate(contents)], **fields}


def verdict(row: dict[str, Any], *given: tuple[str, Any], ascii_only: bool = False) -> Any:
    return judge_with(make_rules(given))(json.dumps(row, ensure_ascii=ascii_only).encode())


CALL = {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}
TOOL_CHAT = {
    "messages": [
        {"role": "user", "content": "go"},
        CALL,
        {"role": "tool", "content": "ok"},
        *chat("", "done")["messages"][1:],
    ]
}
COMPLETION = {"prompt": "Say hello.", "completion": "Hello."}
CODE = "Here:\n```python\n{}\n```"
HIDDEN = "".join(f"\\u{ord(letter):04x}" for letter in 'print "x"')

TABLE: list[tuple[str, Any, dict[str, Any], Any]] = [
    ("min_messages", 3, chat("a", "b"), 2),
    ("min_messages", 2, chat("a", "b"), None),
    ("min_messages", 4, TOOL_CHAT, None),
    ("min_messages", 2, COMPLETION, None),
    ("min_messages", 3, COMPLETION, 2),
    ("min_messages", 2, {"text": "one"}, 1),
    ("min_chars", 5, chat("ab", "cd"), 4),
    ("min_chars", 4, chat("éé", "cd"), None),
    ("min_chars", 16, COMPLETION, None),
    ("last_role", "assistant", chat("a", "b"), None),
    ("last_role", "assistant", chat("a", "b", "c"), "user"),
    ("last_role", "assistant", COMPLETION, None),
    ("category", ["x", "y"], chat("a", "b", category="x"), None),
    ("category", ["x"], chat("a", "b", category="z"), "z"),
    ("category", ["x"], chat("a", "b", metadata={"category": "x"}), None),
    ("difficulty", ["3"], chat("a", "b", difficulty=3), None),
    ("difficulty", ["easy"], chat("a", "b", metadata="a note"), "nothing"),
    ("where", {"metadata.licence": "mit"}, chat("a", "b", metadata={"licence": "mit"}), None),
    ("where", {"metadata.licence": "mit"}, chat("a", "b", metadata={"licence": "gpl"}), "gpl"),
    ("where", {"messages.0.content": "a", "n": "3"}, chat("a", "b", n=3), None),
    ("where", {"n": 3, "good": "true"}, chat("a", "b", n=3, good=True), None),
    ("where", {"good": True}, chat("a", "b", good=False), False),
    ("script", "latin", chat("déjà vu", "ok"), None),
    ("script", "latin", chat("ok", "привет всем"), "Cyrillic"),
    ("language", "en", chat("Wie sortiere ich eine Liste?", "So."), "de"),
    ("language", "en", chat("How do I sort a list?", CODE.format("# Größe der Liste\nx = 1")), None),
    ("language", "en", {"text": "def größe(wert):\n    # Prüft den Wert\n    return wert\n"}, None),
    ("python", 3, chat("Fix it.", CODE.format('print "x"')), "print statement"),
    ("python", 3, chat("for i in xrange(3):\n    print i", "No."), "print statement"),
    ("python", 3, {"text": "for i in xrange(3):\n    f(i)\n"}, "xrange"),
    ("python", 3, chat("print the list, please", CODE.format("class A:\n    pass")), None),
    ("python", 3, chat("Write Go.", '```go\nfmt.Print "x"\n```'), None),
    ("secrets", True, chat("My key is AKIA" + "Q7RZ2M4K9XW5T8VB.", "Noted."), "AWS access key"),
    ("secrets", True, chat("My key is secret.", "Noted."), None),
    ("require_code_parses", True, chat("Go.", CODE.format("x = = 1")), "line 1: invalid syntax"),
    ("require_code_parses", True, chat("Go.", CODE.format("x = 1")), None),
    ("require_code_parses", True, chat("Go.", "```rust\nfn main() {}\n```"), None),
    ("require_code_parses", True, chat("Go.", "There is no code."), None),
]


@pytest.mark.parametrize("ascii_only", [False, True], ids=["utf8", "escaped"])
@pytest.mark.parametrize(("name", "argument", "row", "value"), TABLE)
def test_a_rule_keeps_a_row_or_says_why_not(
    name: str, argument: Any, row: dict[str, Any], value: Any, ascii_only: bool
) -> None:
    """The ledger gets the rule, what was measured and the limit, however the JSON spells its letters."""
    found = verdict(row, (name, argument), ascii_only=ascii_only)
    if value is None:
        assert found is None
    else:
        assert found is not None
        assert found[0] == name
        assert found[1] == (None if value == "nothing" else value)


def test_every_rule_is_in_the_table() -> None:
    """A new rule comes with a row it keeps and a row it drops."""
    tried = {(name, value is None) for name, _, _, value in TABLE}
    assert {name for name in RULES if (name, True) in tried and (name, False) in tried} == set(RULES) - {"max_tokens"}


SHARED = Path(__file__).parents[3] / ".." / "shared" / "data"


@pytest.mark.parametrize(
    ("file", "question", "answer"),
    [("humaneval/HumanEval.jsonl.gz", "prompt", "canonical_solution"), ("mbpp/mbpp_511_974.jsonl", "text", "code")],
)
def test_public_tasks_are_kept(file: str, question: str, answer: str) -> None:
    """English tasks with Python 3 solutions, written by others, with odd indentation and bare code: none is dropped."""
    path = SHARED / file
    if not path.is_file():
        pytest.skip("the public rows are not here")
    read = gzip.open if path.suffix == ".gz" else open
    with read(path, "rt", encoding="utf-8") as lines:
        tasks = [json.loads(line) for line in lines]
    judge = judge_with(make_rules([(name, True) for name in ("secrets", "require_code_parses")]))
    spoken = judge_with(make_rules([("script", "latin"), ("python", 3), ("language", "en")]))
    rows = [json.dumps(chat(task[question], task[answer].strip("\r\n"))).encode() for task in tasks]
    rows += [json.dumps(chat("Solve it.", CODE.format(task[answer]))).encode() for task in tasks]
    assert [verdict for row in rows if (verdict := judge(row) or spoken(row))] == []


def test_old_code_in_escapes_is_old_code() -> None:
    """A gate on bytes must not be passed by spelling letters as escapes."""
    raw = b'{"text": "' + HIDDEN.encode() + b'\\nfor i in range(3):\\n    print i"}'
    found = judge_with([make_rule("python", 3)])(raw)
    assert found is not None
    assert found[1] == "print statement"


def test_tokens_are_those_of_the_model(tiny_model: Path) -> None:
    """The count is the tokenizer's, over all contents; a row short in bytes is not even counted."""
    from tokenizers import Tokenizer

    text = "The quick brown fox jumps over the lazy dog. " * 5
    count = len(Tokenizer.from_file(str(tiny_model / "tokenizer.json")).encode(text, add_special_tokens=False))
    for limit, value in ((count, None), (count - 1, count)):
        found = verdict({"text": text}, ("max_tokens", {"limit": limit, "model": str(tiny_model)}))
        assert (found and found[1]) == value


@pytest.mark.parametrize(
    "row",
    [
        chat("ask", "answer"),
        {"prompt": "ask me", "completion": "x = 1"},
        {"messages": [*TOOL_CHAT["messages"], CALL], "tools": [{"function": {"name": "f"}}]},
    ],
)
def test_a_limit_counts_what_statistics_count(tmp_path: Path, tiny_model: Path, row: dict[str, Any]) -> None:
    """Contents, calls and declarations: what `stats` shows as the longest row is where the limit begins to drop."""
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    counted = stats(tmp_path / "rows.jsonl", TokenSettings(tiny_model)).tokens
    assert counted is not None
    longest = counted.lengths.longest
    for limit, value in ((longest, None), (longest - 1, longest)):
        found = verdict(row, ("max_tokens", {"limit": limit, "model": str(tiny_model)}))
        assert (found and found[1]) == value


def test_the_first_rule_that_fails_is_named() -> None:
    """Rules are asked in the order given."""
    row, first, second = chat("a", "b"), ("min_messages", 3), ("min_chars", 9)
    assert verdict(row, first, second) == ("min_messages", 2, 3)
    assert verdict(row, second, first) == ("min_chars", 2, 9)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", ""),
        (b'{"messages": [', ""),
        (b"[1]", "object"),
        (b'{"a": 1}', "neither messages"),
        (b'{"text": "\xff"}', ""),
        (b'{"text": "a", "b": "\xff"}', ""),
        (b'{"text": "  "}', "text"),
        (b'{"text": "a", "n": NaN}', ""),
        (b'{"messages": [{"role": "user", "content": "a"}]}', "one message"),
    ],
)
def test_what_cannot_be_taught_from_is_invalid(raw: bytes, words: str) -> None:
    """Broken rows never pass, with the checker's own words for what is wrong."""
    found = judge_with([])(raw)
    assert found is not None
    assert found[0] == "invalid"
    assert words in found[1]


@pytest.mark.parametrize(
    ("name", "argument", "words"),
    [
        ("min_message", 3, "min_messages"),
        ("min_messages", 0, "min_messages"),
        ("min_messages", "three", "three"),
        ("python", 2, "python"),
        ("secrets", False, "secrets"),
        ("category", [], "category"),
        ("language", "english", "english"),
        ("max_tokens", {"limit": 5}, "model"),
        ("script", "greek", "greek"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(name: str, argument: Any, words: str) -> None:
    """A typing error must not select nothing, or everything."""
    with pytest.raises(UsageError) as caught:
        make_rule(name, argument)
    assert words in str(caught.value)
