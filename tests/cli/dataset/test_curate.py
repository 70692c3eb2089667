"""`punie dataset filter`, `merge` and `build` as they are typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Punie = Callable[..., Any]


def write(folder: str, *turns: int, word: str = "words", **fields: Any) -> None:
    rows = [
        {
            "messages": [
                {"role": ("user", "assistant")[turn % 2], "content": f"{word} {number}"} for turn in range(count)
            ],
            **fields,
        }
        for number, count in enumerate(turns)
    ]
    Path(folder).mkdir(parents=True)
    Path(folder, "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_the_journal_filters(punie: Punie) -> None:
    """The command of the journal works as written, and tells what became of every row."""
    write("data/workflow-test", 2, 4, 6, 2)
    ended = punie(
        "dataset", "filter", "data/workflow-test/", "--min-messages", "3", "--output", "data/workflow-filtered/"
    )
    assert ended.code == 0
    assert "min_messages" in ended.out
    assert "50.0 %" in ended.out
    assert "removed.jsonl" in ended.err
    assert len(Path("data/workflow-filtered/train.jsonl").read_text().splitlines()) == 2
    assert json.loads(Path("data/workflow-filtered/dataset.json").read_text())["name"] == "workflow-filtered"


def test_the_journal_merges(punie: Punie) -> None:
    """Two folders become one that has the name asked for."""
    write("data/merge-test-a", 2, 4)
    write("data/merge-test-b", 2, 4, 6, word="other")
    ended = punie(
        *"dataset merge data/merge-test-a/ data/merge-test-b/ --output data/merged-dataset/ --name combined".split()
    )
    assert ended.code == 0
    assert json.loads(Path("data/merged-dataset/dataset.json").read_text())["name"] == "combined"
    assert len(Path("data/merged-dataset/train.jsonl").read_text().splitlines()) == 5


def test_a_recipe_is_built(punie: Punie) -> None:
    """The stages are shown with what each one left."""
    write("a", 2, 4, 6)
    Path("r.yaml").write_text("name: mine\nsources:\n- path: a\nrules:\n- min_messages: 3\n")
    ended = punie("dataset", "build", "r.yaml", "--output", "out", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out)["stages"] == {"sources": 3, "rules": 2, "merge": 2}


def test_json_is_one_document(punie: Punie) -> None:
    """Rows by split and by rule; the sum closes for whoever reads it."""
    write("a", 2, 4, 6, 2)
    ended = punie(
        "dataset",
        "filter",
        "a",
        "--min-messages",
        "3",
        "--where",
        "messages.0.content=words 1",
        "--output",
        "b",
        "--json",
    )
    found = json.loads(ended.out)
    assert (found["rows"], found["kept"], found["removed"]) == (4, 1, {"min_messages": 2, "where": 1})
    assert found["splits"]["train"] == {"rows": 4, "kept": 1, "removed": {"min_messages": 2, "where": 1}}
    merged = punie("dataset", "merge", "a", "b", "--cap", "a=2", "--output", "c", "--json")
    assert json.loads(merged.out)["sources"]["a"] == {"rows": 4, "kept": 2}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ("filter a --output b", 2, "no rule"),
        ("filter a --min-messages 9 --output b", 3, "min_messages 2"),
        ("filter a --category x --output b", 3, "Values that category met: talk (2)"),
        ("filter a --min-messages 0 --output b", 2, "min-messages"),
        ("filter a --min-messages 2 --output a", 2, "where the input is"),
        ("filter nowhere --min-messages 2 --output b", 2, "no such dataset"),
        ("filter a --language english --output b", 2, "not a language code"),
        ("filter a --python 2 --output b", 2, "python"),
        ("filter a --last-role robot --output b", 2, "last_role"),
        ("filter a --where x --output b", 2, "FIELD=VALUE"),
        ("filter a --max-tokens 5 --output b", 2, "--model"),
        ("filter a --max-tokens 5 --model no/such/model --output b", 2, "no model called"),
        ("filter a --min-chars 2", 2, "--output"),
        ("merge a --cap a=x --output b", 2, "NAME=NUMBER"),
        ("merge a --weight a --output b", 2, "NAME=NUMBER"),
        ("merge a --weight b=0.5 --output b", 2, "no source called"),
        ("merge a a --output b", 2, "twice"),
        ("build none.yaml --output b", 2, "none.yaml"),
    ],
)
def test_wrong_input_is_one_clear_error(punie: Punie, arguments: str, code: int, says: str) -> None:
    """Each mistake ends with its exit code, a sentence that names it, and the folder as it was."""
    write("a", 2, 4, category="talk")
    before = Path("a/train.jsonl").read_bytes()
    ended = punie("dataset", *arguments.split())
    assert (ended.code, ended.out) == (code, "")
    assert says in " ".join(ended.err.split())
    assert "Traceback" not in ended.err
    assert [path.name for path in Path().iterdir()] == ["a"]
    assert Path("a/train.jsonl").read_bytes() == before
