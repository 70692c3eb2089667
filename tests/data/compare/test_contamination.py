"""Contamination: tasks of a benchmark are found by what is shared, and rows that share little are kept."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from punie.data.compare.contamination import Decontamination, decontaminate
from punie.data.compare.evidence import Evidence, Tasks
from punie.data.compare.items import Benchmark, read_benchmark
from punie.data.compare.text import Text
from punie.errors import DataError, UsageError
from punie.files import read_jsonl

SHARED = Path(__file__).parents[4] / "shared/data"
MBPP = SHARED / "mbpp/mbpp_511_974.jsonl"
public = pytest.mark.skipif(not SHARED.exists(), reason="the public rows are not here")

LONG = (
    "Write a function to merge two sorted linked lists of whole numbers into one sorted list "
    "without any copies of nodes."
)
TASKS = [
    {
        "task_id": 1,
        "text": LONG,
        "code": "def merge(a, b):\n    head = tail = Node(None)\n    while a and b:\n        if a.value > b.value:\n"
        "            a, b = b, a\n        tail.next, a = a, a.next\n        tail = tail.next\n"
        "    tail.next = a or b\n    return head.next",
        "test_list": ["assert merge(chain(1, 3), chain(2)) == chain(1, 2, 3)"],
    },
    {"task_id": 2, "text": "Write a python function to find the nth magnanimous number of a given base."},
    {"task_id": 3, "text": "Write a function to reverse words."},
    {"task_id": 4, "code": "def double(x):\n    return 2 * x"},
]
BENCHMARK = Benchmark.of("exam", TASKS)
SOLUTION = TASKS[0]["code"]
RENAMED = str(SOLUTION).replace("head", "first").replace("tail", "last").replace("merge", "join")


def evidence(prompt: str, completion: str = "Certainly.") -> list[Evidence]:
    return [found for _, found in Tasks(BENCHMARK.items).evidence([Text(prompt=prompt, completion=completion)])]


def ask(prompt: str, completion: str = "Certainly.", **more: Any) -> dict[str, Any]:
    return {"prompt": prompt, "completion": completion, **more}


def write(folder: Path, **splits: Sequence[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True)
    for split, rows in splits.items():
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.mark.parametrize(
    ("prompt", "completion", "rule", "item", "score"),
    [
        (LONG.upper(), "No.", "prompt", "exam/1", 1.0),
        (f"Hello! {' '.join(LONG.split()[6:])} Thanks!", "No.", "prompt", "exam/1", 0.8824),
        ("Tell me the nth magnanimous number of a given base, will you", "No.", "prompt", "exam/2", 1.0),
        ("Please write a Python program that reverse words", "No.", "question", "exam/3", 1.0),
        ("Reverse words.", "No.", "question", "exam/3", 1.0),
        ("Q", f"```python\n{SOLUTION}\n```", "code", "exam/1", 1.0),
        ("Q", f"Sure:\n\n```python\n# Joins.\n{RENAMED}\n```", "renamed code", "exam/1", 1.0),
        ("Q", "assert merge( chain(1,3),chain(2) )==chain(1,2,3)", "assert", "exam/1", 1.0),
    ],
)
def test_each_rule_condemns(prompt: str, completion: str, rule: str, item: str, score: float) -> None:
    """A row that holds a task is condemned by the rule that says why, with the task and its measure."""
    found = [one for one in evidence(prompt, completion) if one.rule == rule]
    assert [(one.item, round(one.score, 4), one.condemns) for one in found] == [(item, score, True)]


@pytest.mark.parametrize(
    ("prompt", "completion"),
    [
        ("Write a function to find the nth prime number of a given list of numbers.", "No."),
        ("Write a function to reverse words of a sentence.", "def reverse(words): return words[::-1]"),
        ("Q", "def double(y):\n    return 2 * y"),
        ("Q", "while a and b:\n    if a.value > b.value:\n        break"),
        ("Q", "assert merge(chain(1), chain(2)) == chain(1, 2)"),
    ],
)
def test_what_any_row_may_share_is_kept(prompt: str, completion: str) -> None:
    """Openings, a few words, tiny functions and other tests are no sign of a task."""
    assert not [found for found in evidence(prompt, completion) if found.condemns]


@pytest.mark.parametrize(
    ("prompt", "completion", "rule"),
    [
        ("I have to merge two sorted linked lists of whole numbers into one sorted array.", "No.", "prompt"),
        ("Q", "def merge(a: Node, b=None) -> Node:\n    return heapq.merge(a, b)", "signature"),
    ],
)
def test_half_of_a_task_makes_a_row_suspect(prompt: str, completion: str, rule: str) -> None:
    """From half of a prompt on, or with the name and arguments of a function, a row is reported and kept."""
    assert [(one.rule, one.item, one.condemns) for one in evidence(prompt, completion)] == [(rule, "exam/1", False)]


def test_the_span_is_what_is_shared() -> None:
    """The evidence quotes the longest shared part of the task."""
    (found,) = evidence("We merge two sorted linked lists of whole numbers into one sorted list, then stop.")
    assert found.span == "merge two sorted linked lists of whole numbers into one sorted list"


def test_tasks_that_cannot_be_looked_for_are_counted() -> None:
    """The report says how much of a benchmark each rule is blind to."""
    testable = Tasks(BENCHMARK.items).testable("exam")
    assert (testable.items, testable.short_prompts, testable.short_solutions, testable.untestable) == (4, 1, 3, 1)


def run(tmp_path: Path, **splits: Sequence[dict[str, Any]]) -> Decontamination:
    return decontaminate(write(tmp_path / "a", **splits), tmp_path / "b", against=[BENCHMARK])


def test_condemned_rows_go_with_their_evidence(tmp_path: Path) -> None:
    """The ledger has the task, the shared words and their share; suspects are kept and listed beside it."""
    half = "I have to merge two sorted linked lists of whole numbers into one sorted array."
    result = run(tmp_path, train=[ask("fine", n=1), ask(LONG, n=2, source="web"), ask(half, n=3)])
    (removed,) = [row for _, row in read_jsonl(tmp_path / "b/removed.jsonl")]
    assert (removed["line"], removed["rule"], removed["threshold"]) == (2, "prompt", 0.8)
    assert removed["value"] == {"item": "exam/1", "score": 1.0, "span": LONG[20:-1].lower()}
    assert [row["n"] for _, row in read_jsonl(tmp_path / "b/train.jsonl")] == [1, 3]
    assert [row["line"] for _, row in read_jsonl(tmp_path / "b/suspects.jsonl")] == [3]
    assert result.removed == {("web", "exam", "prompt"): 1}
    assert result.suspect == {(f"{tmp_path}/a/train.jsonl", "exam", "prompt"): 1}


def test_the_test_split_stays(tmp_path: Path) -> None:
    """What is never taught may be a benchmark itself; what the best iteration is chosen by may not."""
    result = run(tmp_path, train=[ask("fine")], valid=[ask(LONG), ask("good")], test=[ask(LONG)])
    assert result.manifest.counts == {"train": 1, "valid": 1, "test": 1}


def test_all_shapes_are_looked_at(tmp_path: Path) -> None:
    """Chats, tool calls and plain texts hold tasks too, in any turn."""
    turns = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "Well."}]
    call = {"role": "assistant", "tool_calls": [{"function": {"name": "ask", "arguments": {"q": LONG}}}]}
    chats = [{"messages": [{"role": "system", "content": LONG}, *turns]}, {"messages": [*turns, call]}]
    result = run(tmp_path, train=[ask("fine"), *chats, {"text": f"Intro. {LONG}"}])
    assert result.manifest.removed == {"prompt": 3}


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    """A dataset that is all benchmark ends with the rules that removed it, and writes nothing."""
    with pytest.raises(DataError, match=r"Nothing is left.*\n.*prompt 2"):
        run(tmp_path, train=[ask(LONG), ask(LONG, n=2)])
    assert not (tmp_path / "b").exists()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from([LONG, str(SOLUTION), "fine", "other", "Reverse words."]), max_size=10))
def test_kept_and_removed_rows_add_up(tmp_path_factory: pytest.TempPathFactory, prompts: list[str]) -> None:
    """Kept rows are the source's bytes in its order, without exactly those in the ledger."""
    folder = tmp_path_factory.mktemp("contamination")
    result = run(folder, train=[ask("always"), *map(ask, prompts)])
    lines = (folder / "a/train.jsonl").read_bytes().splitlines()
    ledger = folder / "b/removed.jsonl"
    gone = {row["line"] for _, row in read_jsonl(ledger)} if ledger.exists() else set()
    kept = [line for number, line in enumerate(lines, start=1) if number not in gone]
    assert (folder / "b/train.jsonl").read_bytes().splitlines() == kept
    assert sum(result.manifest.removed.values()) == len(gone) == len([prompt for prompt in prompts if len(prompt) > 6])


def test_benchmarks_come_in_many_forms(tmp_path: Path) -> None:
    """A packed file, a dataset folder and a suite give the same task."""
    row = {"id": "x", "messages": [{"role": "user", "content": LONG}, {"role": "assistant", "content": SOLUTION}]}
    (tmp_path / "packed.jsonl.gz").write_bytes(gzip.compress(json.dumps(row).encode()))
    write(tmp_path / "folder", train=[ask("never read")], test=[row])
    case = {
        "id": "x",
        "category": "c",
        "messages": row["messages"][:1],
        "expect": {
            "kind": "code",
            "entry_point": "merge",
            "solution": SOLUTION,
            "tests": [{"arguments": [[1], [2]], "returns": [1, 2]}],
        },
    }
    (tmp_path / "suite.yaml").write_text(json.dumps({"name": "suite", "cases": [case]}))
    found = {name: read_benchmark(tmp_path / name) for name in ("packed.jsonl.gz", "folder", "suite.yaml")}
    assert {name: benchmark.name for name, benchmark in found.items()} == {
        "packed.jsonl.gz": "packed",
        "folder": "folder",
        "suite.yaml": "suite",
    }
    for benchmark in found.values():
        (item,) = benchmark.items
        assert (item.id, item.prompt, item.solution) == (f"{benchmark.name}/x", LONG, SOLUTION)
    assert found["suite.yaml"].items[0].asserts == ("assertmerge([1],[2])==[1,2]",)


@pytest.mark.parametrize(
    ("name", "content", "error", "says"),
    [
        ("a.yaml", b"draw: {}", UsageError, "lists no cases"),
        ("a.yaml", b"[", UsageError, "Not valid YAML"),
        ("a.jsonl", b'{"id": 1}\n', DataError, "no task"),
        ("a.jsonl", b"{\n", DataError, "a.jsonl:1"),
        ("a.jsonl.gz", b"nothing packed", DataError, "gzip"),
        ("a.jsonl.gz", gzip.compress(b'{"text": "a b c d e f"}' * 99, mtime=0)[:60], DataError, "gzip"),
    ],
)
def test_a_broken_benchmark_is_one_clear_error(
    tmp_path: Path, name: str, content: bytes, error: type[Exception], says: str
) -> None:
    """A benchmark that cannot be read is named, with what is wrong in it."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=says):
        read_benchmark(tmp_path / name)


@public
def test_every_task_of_public_benchmarks_is_found() -> None:
    """A row made of a task's own prompt and solution is always condemned, by that task."""
    for path in (MBPP, SHARED / "humaneval/HumanEval.jsonl.gz"):
        items = read_benchmark(path).items
        rows = [Text(prompt=item.prompt, completion=item.program) for item in items]
        found = {row for row, one in Tasks(items).evidence(rows) if one.condemns and one.item == items[row].id}
        assert found == set(range(len(items)))


@public
def test_tool_tasks_are_found() -> None:
    """Of BFCL's questions, which have no code, every one of five words or more is found in a chat."""
    items = read_benchmark(SHARED / "bfcl/simple_python.jsonl").items
    rows = [Text(text=f"User: {item.prompt}\nCall: f()") for item in items]
    found = {row for row, one in Tasks(items).evidence(rows) if one.condemns and one.item == items[row].id}
    assert len(found) == len(items) == 200


@public
def test_halves_of_mbpp_overlap_as_measured() -> None:
    """Of MBPP's validation tasks 511-600, a tenth has a near twin among its training tasks 601-974."""
    rows = [row for _, row in read_jsonl(MBPP)]
    exam = Benchmark.of("valid", [row for row in rows if row["task_id"] <= 600])
    taught = [Text(prompt=row["text"], completion=row["code"]) for row in rows if row["task_id"] > 600]
    found = [one for _, one in Tasks(exam.items).evidence(taught) if one.condemns]
    by_rule = {
        rule: len({one.item for one in found if one.rule == rule}) for rule in ("prompt", "code", "renamed code")
    }
    assert by_rule == {"prompt": 6, "code": 9, "renamed code": 3}
