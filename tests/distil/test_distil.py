"""What is asked, what is kept, and what the ledger says of the rest."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from teacher import FaultyTeacher, said, serve

from punie.data.compare.items import Benchmark
from punie.data.fetch.verify import verify
from punie.distil.answers import AnswerFile
from punie.distil.budget import Budget, BudgetSpent, Purse, Tokens
from punie.distil.choice import Keep, choose
from punie.distil.distil import distil
from punie.distil.tasks import Task, read_tasks
from punie.errors import DataError, UsageError
from punie.evaluation.outcomes import Answer, Outcome, Trial
from punie.evaluation.suite import Case
from punie.files import read_jsonl

from .conftest import OptionsFor, task_rows

SOLUTIONS = {row["prompt"]: row["solution"] for row in task_rows(4)}


def solved(question: Mapping[str, Any]) -> bytes:
    return said(f"<think>Hm.</think>\n```python\n{SOLUTIONS[question['messages'][-1]['content']]}```")


async def test_rows_are_the_prompts_that_are_served(options_for: OptionsFor, tmp_path: Path) -> None:
    """What only the teacher is told, and what it said to itself, are in no row; the rows verify once more."""
    heard: list[list[dict[str, str]]] = []

    def reply(question: Mapping[str, Any]) -> bytes:
        heard.append(question["messages"])
        return solved(question)

    with serve(FaultyTeacher(reply)) as teacher:
        done = await distil(options_for(teacher.base_url, teacher_system="Think first."))
    rows = [row for _, row in read_jsonl(tmp_path / "rows" / "train.jsonl")]
    assert {messages[0]["content"] for messages in heard} == {"Think first."}
    assert [row["messages"][:-1] for row in rows] == [[{"role": "user", "content": prompt}] for prompt in SOLUTIONS]
    assert not [row for row in rows if "think" in row["messages"][-1]["content"].lower()]
    assert (done.solved, done.manifest.removed) == (4, {"not chosen": 4})
    assert done.manifest.recipe["answered by"] == ["toy-1"]
    assert verify(tmp_path / "rows", tmp_path / "verified").manifest.counts == {"train": 4}


async def test_tasks_that_ask_the_same_share_an_answer(options_for: OptionsFor, tasks: Sequence[Task]) -> None:
    """It is paid for once, and judged by the tests of each."""
    twin = replace(tasks[0], case=tasks[0].case.model_copy(update={"id": "twin"}))
    with serve(FaultyTeacher(solved)) as teacher:
        done = await distil(options_for(teacher.base_url, tasks=(tasks[0], twin), samples=1))
        assert teacher.requests == 1
    assert (done.solved, done.manifest.counts) == (2, {"train": 2})


async def test_wrong_answers_are_in_the_ledger_with_their_reason(options_for: OptionsFor, tmp_path: Path) -> None:
    """Each sample is a row or a line that names the answer's place, its rule, and what was seen."""
    texts = iter([*["def f(): pass"] * 3, "I cannot."])
    first = next(iter(SOLUTIONS))

    def reply(question: Mapping[str, Any]) -> bytes:
        return solved(question) if question["messages"][-1]["content"] == first else said(next(texts))

    with serve(FaultyTeacher(reply)) as teacher:
        options = options_for(teacher.base_url, samples=1, width=1)
        done = await distil(options)
    ledger = [row for _, row in read_jsonl(tmp_path / "rows" / "removed.jsonl")]
    assert done.manifest.counts == {"train": 1}
    answered = options.answers.read_bytes().splitlines()
    assert {json.loads(answered[row["line"] - 1])["task"] for row in ledger} <= {"task-1", "task-2", "task-3"}
    assert all(row["value"] for row in ledger)


async def test_tasks_of_an_exam_are_not_asked(options_for: OptionsFor, tasks: Sequence[Task], tmp_path: Path) -> None:
    """Before a single request goes out for it, a task that a suite has is in the ledger, with the evidence."""
    exam = Benchmark.of("exam", [tasks[0].case.model_dump(mode="json")])
    with serve(FaultyTeacher(solved)) as teacher:
        done = await distil(options_for(teacher.base_url, samples=1, against=(exam,)))
    assert teacher.requests == 3
    assert done.manifest.counts == {"train": 3}
    (line,) = [row for _, row in read_jsonl(tmp_path / "rows" / "removed.jsonl")]
    assert line["value"]["item"] == "exam/task-0"


COPIED = """def framed(width, height):
    total = width * height
    for side in (width, height):
        total += side * 2
    return total
"""


async def test_an_answer_that_is_an_exams_solution_is_not_written(options_for: OptionsFor) -> None:
    """A question may be new and its answer another one's: rows are compared as well as tasks."""
    row = {"prompt": "Compute the area of a framed picture.", "solution": COPIED, "tests": ["assert framed(1, 1) == 5"]}
    exam = Benchmark.of("exam", [row])

    def reply(question: Mapping[str, Any]) -> bytes:
        own = SOLUTIONS[question["messages"][-1]["content"]]
        return said(f"```python\n{own}```\nElse:\n```\n{COPIED}```")

    with serve(FaultyTeacher(reply)) as teacher, pytest.raises(DataError, match="Nothing is left") as refused:
        await distil(options_for(teacher.base_url, samples=1, against=(exam,)))
    assert "code" in refused.value.hint


def trial(sample: int, code: str) -> Trial:
    case = Case.model_validate(
        {
            "id": "c",
            "category": "c",
            "messages": [{"role": "user", "content": "f"}],
            "expect": {"kind": "code", "entry_point": "f", "asserts": ["assert f(1) == 1"], "solution": "f = abs"},
        }
    )
    answer = Answer(
        text=f"```python\n{code}\n```", finish_reason="stop", prompt_tokens=1, completion_tokens=1, seconds=0
    )
    return Trial(case=case, sample=sample, answer=answer, outcome=Outcome.SCORED, value=1.0, reason="")


@pytest.mark.parametrize(("keep", "kept"), [("shortest", [3]), ("majority", [1]), ("all", [1, 3])])
def test_one_rule_says_which_right_answer_is_kept(keep: Keep, kept: list[int]) -> None:
    """Names and comments make no two answers differ; every other answer has a reason."""
    codes = [
        "def f(value):\n    return value * 1",
        "def f(x):\n    return x * 1",
        "def f(a):\n    # as it is\n    return a * 1",
    ]
    chosen = choose([trial(at, code) for at, code in enumerate([*codes, "f = abs"])], keep)
    assert sorted(sample for sample, why in chosen.items() if not why) == kept
    assert sorted(chosen) == [0, 1, 2, 3]


async def test_a_question_waits_for_those_under_way_and_not_longer() -> None:
    """Room that comes back is used; where nothing is under way any more, there will be none."""
    purse = Purse(Budget(money=1.0, answer_price=10_000), Tokens(), 0)
    most = Tokens(answer=60)
    await purse.hold(most)
    waiting = asyncio.create_task(purse.hold(most))
    await asyncio.sleep(0)
    assert not waiting.done()
    await purse.settle(most, Tokens(answer=30))
    await asyncio.wait_for(waiting, 30)
    await purse.settle(most, Tokens(answer=45))
    with pytest.raises(BudgetSpent):
        await purse.hold(most)
    assert purse.budget.cost(purse.spent) == pytest.approx(0.75)


def test_money_without_prices_is_refused() -> None:
    """A limit that can never be reached is a mistake."""
    with pytest.raises(UsageError, match="prices"):
        Budget(money=5.0)


def test_half_a_line_is_cut_off_and_what_was_under_way_counts(tmp_path: Path) -> None:
    """What a killed writer left is read as far as it is whole."""
    path = tmp_path / "answers.jsonl"
    with AnswerFile(path) as file:
        file.ask("key", Tokens(7, 9))
        file.send()
    path.write_bytes(path.read_bytes() + b'{"answered": "key", "ta')
    with AnswerFile(path) as file:
        assert (file.spent, file.requests, file.unsettled, file.received) == (Tokens(7, 9), 1, 1, {})
        with pytest.raises(UsageError, match="Another process"):
            AnswerFile(path)


def test_another_file_is_no_file_of_answers(task_file: Path) -> None:
    """Nothing is added to a file that holds something else."""
    before = task_file.read_bytes()
    with pytest.raises(DataError, match="no file of answers"):
        AnswerFile(task_file)
    assert task_file.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('{"id": "a", "prompt": "p", "tests": ["assert f(1) == 1"]}\n' * 2, "Two tasks"),
        ('{"id": "a", "prompt": "p", "tests": ["assert True"]}\n', "which function"),
        ('{"id": "a", "tests": ["assert f(1) == 1"], "messages": []}\n', "Not a task"),
        ('{"id": "a", "prompt": "p", "tests": 5}\n', "Not a task"),
    ],
)
def test_a_task_that_cannot_be_verified_is_named(text: str, error: str, tmp_path: Path) -> None:
    """File and line are said before anybody is asked."""
    path = tmp_path / "tasks.jsonl"
    path.write_text(text)
    with pytest.raises((UsageError, DataError), match=error) as refused:
        read_tasks(path)
    assert "tasks.jsonl" in refused.value.where


def test_a_folder_of_suites_and_rows_is_read(task_file: Path) -> None:
    """Every file of the folder, in the order of their names, but the ledger; of a dataset what is taught."""
    (task_file.parent / "removed.jsonl").write_text("{}\n")
    case = "{id: n, category: n, messages: [{role: user, content: 1 + 1?}], expect: {kind: number, value: 2}}"
    suite = f"name: s\ncases: [{case}]\n"
    (task_file.parent / "sums.yaml").write_text(suite)
    assert [task.case.id for task in read_tasks(task_file.parent)] == ["n", *(f"task-{n}" for n in range(4))]
    (task_file.parent / "train.jsonl").write_text(json.dumps(task_rows(1)[0]))
    assert [task.case.id for task in read_tasks(task_file.parent)] == ["task-0"]
