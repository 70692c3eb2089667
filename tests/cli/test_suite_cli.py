"""`punie suite`: what is asked, and whether the graders are sound."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Punie = Callable[..., Any]

CHAT = {"messages": [{"role": "user", "content": "1 + 1?"}, {"role": "assistant", "content": "Answer: 2"}]}
BROKEN = """name: broken
cases:
- id: one
  category: sums
  messages: [{role: user, content: "1 + 1?"}]
  expect: {kind: number, value: 2}
  reference: "Answer: 3"
"""


def test_list_counts_every_built_in_suite(punie: Punie) -> None:
    """Names, cases and halves, as a table and as JSON."""
    suites = {suite["name"]: suite for suite in json.loads(punie("suite", "list", "--json").out)["suites"]}
    assert (suites["baseline"]["cases"], suites["baseline"]["dev"], suites["baseline"]["test"]) == (63, 22, 41)
    assert suites["tiny"]["kinds"] == {"calls": 200, "code": 100, "number": 100}
    table = punie("suite", "list")
    assert table.code == 0
    assert all(name in table.out for name in suites)


def test_show_prints_what_is_asked_and_what_is_right(punie: Punie) -> None:
    """The question, the expectation, the reference and a known-bad answer of one case."""
    ended = punie("suite", "show", "baseline", "reason-tank")
    assert all(text in ended.out for text in ("A tank is 1.2 m long", '"value": 45', "480 litres", "Answer: 60"))
    assert json.loads(punie("suite", "show", "baseline", "--json").out)["id"] == "tool-read-hosts"


def test_check_judges_references_and_known_bad_answers(punie: Punie) -> None:
    """The counts are those of the self-check."""
    record = json.loads(punie("suite", "check", "baseline", "--json").out)
    assert record["references"] == 67
    assert record["known_bad"] > 300


def test_check_names_a_wrong_reference(punie: Punie) -> None:
    """The case, the reason and the suite, with exit code 2."""
    Path("broken.yaml").write_text(BROKEN)
    ended = punie("suite", "check", "broken.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert "'one'" in ended.err
    assert "wrong number" in ended.err
    assert "suite broken" in ended.err


def test_an_imported_suite_can_be_checked(punie: Punie) -> None:
    """Import counts cases, names what is left out and what cannot be told, and its file loads."""
    Path("chats.jsonl").write_text("".join(json.dumps(row) + "\n" for row in (CHAT, {"messages": []})))
    ended = punie("suite", "import", "chat", "chats.jsonl", "--output", "mine.yaml")
    assert ended.code == 0
    assert "chats.jsonl:2" in ended.out
    assert "word for word" in ended.err
    assert json.loads(punie("suite", "check", "mine.yaml", "--json").out)["references"] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["show", "baselin"], 2, "Did you mean 'baseline'"),
        (["show", "baseline", "reason-tan"], 2, "Did you mean 'reason-tank'"),
        (["check", "absent.yaml"], 2, "absent.yaml"),
        (["import", "bfcl", "absent.jsonl", "--output", "s.yaml"], 2, "absent"),
        (["import", "humanevel", "x.jsonl", "--output", "s.yaml"], 2, "Did you mean humaneval"),
    ],
)
def test_wrong_input_is_one_clear_error(punie: Punie, arguments: list[str], code: int, says: str) -> None:
    """Each mistake says what was meant, on standard error only, and leaves nothing behind."""
    ended = punie("suite", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert says in ended.err
    assert not list(Path().iterdir())
