"""Other people's benchmarks, and chats, as suites."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from punie.errors import DataError, UsageError
from punie.evaluation.expectations import CallExpectation, CodeExpectation, ExpectedCall
from punie.evaluation.imports import Imported, import_suite, weaknesses
from punie.evaluation.scorers import choose_code_execution
from punie.evaluation.selfcheck import check_suite
from punie.evaluation.suite import Case, Suite, load_suite
from punie.evaluation.suite_writer import write_suite
from punie.files import write_jsonl

TOOLS = [{"type": "function", "function": {"name": "wait", "parameters": {"type": "object", "properties": {"s": {}}}}}]
ASKED = {"role": "user", "content": "How long?"}


def said(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


HUMANEVAL = {
    "task_id": "HumanEval/X",
    "prompt": 'import math\n\ndef half(x):\n    """A half."""\n    return x / 2\n\ndef root(x):\n    """The root."""\n',
    "entry_point": "root",
    "canonical_solution": "    return math.sqrt(x)\n",
    "test": "def check(candidate):\n    assert candidate(9) == 3\n    assert abs(candidate(2) - 1.4142) < 1e-3\n",
}
MBPP = {
    "task_id": 1,
    "text": "Write a function to double.",
    "code": "def helper(x):\r\n    return 2\r\ndef double(x):\r\n    return x * helper(x)",
    "test_list": ["assert double(2) == 4", "assert double(5) == 10"],
}
MBPP_WITH_SETUP = {
    "task_id": 2,
    "text": "Write a function to sum a pair.",
    "code": "class Pair:\n    a, b = 1, 2\ndef total(pair):\n    return pair.a + pair.b",
    "test_setup_code": "pair = Pair()",
    "test_list": ["assert total(pair) == 3"],
}
BFCL = {
    "id": "simple_python_0",
    "question": [[{"role": "user", "content": "Wait 5 seconds."}]],
    "function": [
        {
            "name": "wait",
            "parameters": {
                "type": "dict",
                "properties": {
                    "seconds": {"type": "integer"},
                    "unit": {"type": "string"},
                    "range": {"type": "dict", "properties": {"low": {"type": "integer"}, "high": {"type": "integer"}}},
                },
            },
        }
    ],
}
TRUTH = {"wait": {"seconds": [5, 6], "unit": ["", "s"], "range": [{"low": [1, 2], "high": [3]}]}}


def imported(folder: Path, format: str, *rows: dict[str, Any], answers: list[Any] | None = None) -> Imported:
    path = folder / "rows.jsonl"
    write_jsonl(path, rows)
    if answers is not None:
        write_jsonl(folder / "rows.answers.jsonl", answers)
    return import_suite(format, [path], "s")


def sound(suite: Suite) -> None:
    assert check_suite(suite, choose_code_execution(suite.cases, unsafe=False, ours=True)).references


@pytest.mark.parametrize(
    ("format", "rows", "entry_points"),
    [("humaneval", [HUMANEVAL], ["root"]), ("mbpp", [MBPP, MBPP_WITH_SETUP], ["double", "total"])],
)
def test_programs_become_code_cases(
    tmp_path: Path, format: str, rows: list[dict[str, Any]], entry_points: list[str]
) -> None:
    """The function that is asked for is the one that the tests call, and every reference passes its own tests."""
    suite = imported(tmp_path, format, *rows).suite
    assert [case.expect.entry_point for case in suite.cases if isinstance(case.expect, CodeExpectation)] == entry_points
    assert all(case.licence and case.source == format for case in suite.cases)
    sound(suite)


def test_an_answer_may_use_what_the_question_shows(tmp_path: Path) -> None:
    """Imports and helpers of a HumanEval prompt stand before the answer's code."""
    (case,) = imported(tmp_path, "humaneval", HUMANEVAL).suite.cases
    assert isinstance(case.expect, CodeExpectation)
    alone = "def root(x):\n    return math.sqrt(half(x) * 2)"
    sound(Suite(name="s", cases=(case.model_copy(update={"reference": alone}),)))


def test_accepted_values_and_left_out_arguments_are_kept(tmp_path: Path) -> None:
    """Several right values, an argument that may be missing, and an object with several right forms."""
    suite = imported(tmp_path, "bfcl", BFCL, answers=[{"id": BFCL["id"], "ground_truth": [TRUTH]}]).suite
    assert suite.cases[0].expect == CallExpectation(
        calls=(
            ExpectedCall(
                name="wait",
                arguments={"seconds": 5, "range": {"low": 1, "high": 3}},
                accept={"seconds": (6,), "unit": ("s",), "range": ({"low": 2, "high": 3},)},
                optional=("unit",),
                loose_text=True,
            ),
        )
    )
    sound(suite)


def test_questions_without_a_right_call_need_no_answers(tmp_path: Path) -> None:
    """The irrelevance files: right is an answer without a call."""
    path = tmp_path / "irrelevance.jsonl"
    write_jsonl(path, [BFCL | {"id": "irrelevance_0"}])
    assert import_suite("bfcl", [path], "s").suite.cases[0].expect == CallExpectation(calls=())


CHATS = {
    "a call": ([ASKED, {"role": "assistant", "tool_calls": [{"name": "wait", "arguments": {"s": 1}}]}], True, "calls"),
    "a call in the text": (
        [ASKED, said('<tool_call>\n{"name": "wait", "arguments": {"s": 1}}\n</tool_call>')],
        True,
        "calls",
    ),
    "no call": ([ASKED, said("There is no need\nto wait.")], True, "calls"),
    "one line": ([ASKED, said("Five minutes.")], False, "text"),
    "a final answer": ([ASKED, said("2 + 3 = 5.\nAnswer: 5 minutes")], False, "text"),
    "an essay": ([ASKED, said("It depends.\nMostly five minutes.")], False, "judge"),
}


@pytest.mark.parametrize("name", CHATS)
def test_the_last_answer_of_a_chat_is_the_reference(tmp_path: Path, name: str) -> None:
    """What it holds decides how it is compared."""
    messages, with_tools, kind = CHATS[name]
    suite = imported(tmp_path, "chat", {"messages": messages} | ({"tools": TOOLS} if with_tools else {})).suite
    assert suite.cases[0].expect.kind == kind
    sound(suite) if kind != "judge" else None


def test_what_cannot_be_told_is_said(tmp_path: Path) -> None:
    """Cases that abstain, are compared word for word, or need a judge, are counted."""
    rows = [{"messages": messages} | ({"tools": TOOLS} if tools else {}) for messages, tools, _ in CHATS.values()]
    notes = list(weaknesses(imported(tmp_path, "chat", *rows).suite))
    assert [note.split()[0] for note in notes] == ["1", "2", "1"]


LEFT_OUT = {
    "no answer": ({"messages": [ASKED]}, "does not end with an answer"),
    "an empty answer": ({"messages": [ASKED, said(" ")]}, "last answer is empty"),
    "twice": ({"id": "good", "messages": [ASKED, said("Twice.")]}, "there is a case 'good' already"),
    "no chat": ({"question": "?"}, "no list of turns"),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_no_case_is_left_out_with_its_line(tmp_path: Path, name: str) -> None:
    """Nothing goes missing without a reason."""
    row, reason = LEFT_OUT[name]
    good = {"id": "good", "messages": [ASKED, said("Five.")]}
    (gone,) = imported(tmp_path, "chat", good, row).left_out
    assert gone.where.endswith("rows.jsonl:2")
    assert reason in gone.reason


def test_files_without_any_case_are_an_error(tmp_path: Path) -> None:
    """An empty suite is never written, and the first reason is given."""
    with pytest.raises(DataError, match="task_id is not a text"):
        imported(tmp_path, "humaneval", {"messages": []})


def test_an_unknown_format_is_a_usage_error(tmp_path: Path) -> None:
    """The one that was meant is offered."""
    with pytest.raises(UsageError, match="Did you mean humaneval"):
        imported(tmp_path, "humanevel", HUMANEVAL)


@pytest.mark.parametrize("name", ["s.yaml", "s.jsonl"])
def test_a_written_suite_reads_back(tmp_path: Path, name: str) -> None:
    """Both forms keep every case as it is, line ends and odd texts included."""
    odd = [case.model_copy(update={"reference": text, "id": text}) for text, case in zip(ODD, cases(), strict=False)]
    suite = Suite(name="mine", description="two\nlines", max_tokens=9, cases=(*cases()[len(ODD) :], *odd))
    write_suite(suite, tmp_path / name)
    assert load_suite(str(tmp_path / name)) == suite


ODD = ["1e5", "yes", "a: b\n\n  c\t\n", " leading", "\u2028é\r\n", "# no comment", "null", "trailing \nspace"]


def cases() -> tuple[Case, ...]:
    return load_suite("baseline").cases


def test_a_suite_has_one_of_two_endings(tmp_path: Path) -> None:
    """Any other file is refused before it is written."""
    with pytest.raises(UsageError, match=r"\.yaml or \.jsonl"):
        write_suite(load_suite("baseline"), tmp_path / "suite.txt")


SHARED = Path(__file__).parents[3] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the public benchmark rows are not beside the repository")
LEADERBOARD = [f"bfcl/{part}.jsonl" for part in ("simple_python", "multiple", "parallel", "parallel_multiple")]
PUBLIC = {
    "humaneval": (["humaneval/HumanEval.jsonl.gz"], 164, 0),
    "mbpp": (["mbpp/mbpp_511_974.jsonl"], 464, 0),
    "bfcl": ([*LEADERBOARD, "bfcl/irrelevance.jsonl"], 618, 2),
}


@needs_shared
@pytest.mark.parametrize("format", PUBLIC)
def test_public_benchmarks_are_read_whole(format: str) -> None:
    """Every row is a case, but for two whose answers use an argument that their questions do not declare."""
    files, count, left_out = PUBLIC[format]
    found = import_suite(format, [SHARED / file for file in files], format)
    assert (len(found.suite.cases), len(found.left_out)) == (count, left_out)
    assert all("not declared" in gone.reason for gone in found.left_out)


@needs_shared
@pytest.mark.slow
@pytest.mark.parametrize("format", PUBLIC)
def test_public_references_are_right_and_bad_answers_wrong(format: str) -> None:
    """Every reference of others scores 1, and every known-bad answer 0, objects that equal everything included."""
    files, count, _ = PUBLIC[format]
    suite = import_suite(format, [SHARED / file for file in files], format).suite
    checked = check_suite(suite, choose_code_execution(suite.cases, unsafe=False, ours=True))
    assert checked.references == count
    assert checked.known_bad >= 7 * count
