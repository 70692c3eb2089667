from __future__ import annotations

import resource
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from punie.errors import CapacityError
from punie.evaluation.asking import Examiner, Question, judged_again
from punie.evaluation.cache import AnswerCache
from punie.evaluation.outcomes import Outcome, Trial
from punie.evaluation.rubric import RubricJudge
from punie.evaluation.runs import PartialRun
from punie.evaluation.suite import Case, Suite
from punie.serving.completion import Completion
from punie.workspace import cache_folder

CALL = '<tool_call>{"name": "read_file", "arguments": {"path": "notes.txt"}}</tool_call>'


class Counting:
    """Answers by the last message, a question mark where it knows none, and counts what it was asked."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        self.answers = answers
        self.asked: Counter[str] = Counter()

    async def complete(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] = ()
    ) -> Completion:
        last = messages[-1]["content"]
        self.asked[last] += 1
        return Completion(self.answers.get(last, "?"), "stop", prompt_tokens=1, completion_tokens=1, seconds=0.5)


@pytest.fixture
def two_turns(cases: Mapping[str, Case]) -> Case:
    """Read a file that says 42, then say it."""
    row = cases["read"].model_dump() | {
        "id": "turns",
        "turns": [{"calls": [{"name": "read_file", "arguments": {"path": "notes.txt"}}], "results": ["It is 42."]}],
        "expect": {"kind": "number", "value": 42},
    }
    return Case.model_validate(row)


async def settle(folder: Path, asker: Counting, *questions: Question, cache: AnswerCache | None = None) -> list[Trial]:
    with PartialRun(folder) as partial:
        partial.resume({})
        missing = [question for question in questions if question.key not in partial.trials]
        await Examiner(asker, partial, "jail", cache).ask(missing)
        return [partial.trials[question.key] for question in questions]


async def test_a_turn_goes_on_with_its_scripted_result(tmp_path: Path, two_turns: Case) -> None:
    """After the right call the model sees its result, and only its last answer closes the case."""
    asker = Counting({"Read notes.txt.": CALL, "It is 42.": "Answer: 42"})
    (trial,) = await settle(tmp_path / "run", asker, Question("six", two_turns))
    assert trial.right
    assert [answer.text for answer in trial.answers] == [CALL, "Answer: 42"]
    assert judged_again(trial, "jail") == trial


async def test_a_wrong_turn_ends_the_case(tmp_path: Path, two_turns: Case) -> None:
    """What was not called has no result: the trial is wrong, and says in which turn."""
    asker = Counting({"Read notes.txt.": "I shall read it."})
    (trial,) = await settle(tmp_path / "run", asker, Question("six", two_turns))
    assert (trial.right, trial.failure, trial.earlier) == (False, "no call", ())
    assert trial.reason.startswith("turn 1: ")
    assert judged_again(trial, "jail") == trial


async def test_every_sample_is_a_trial_of_its_own(tmp_path: Path, cases: Mapping[str, Case]) -> None:
    """A case that is asked three times is answered three times."""
    asker = Counting({"What is 12 + 30?": "Answer: 42"})
    trials = await settle(tmp_path / "run", asker, *(Question("six", cases["sum"], sample) for sample in range(3)))
    assert [(trial.sample, trial.right) for trial in trials] == [(0, True), (1, True), (2, True)]
    assert asker.asked.total() == 3


async def test_an_answer_that_came_is_judged_and_not_asked_again(tmp_path: Path, two_turns: Case) -> None:
    """Killed between two turns, a run goes on with the second."""
    asker = Counting({"Read notes.txt.": CALL, "It is 42.": "Answer: 42"})
    question = Question("six", two_turns)
    (trial,) = await settle(tmp_path / "first", asker, question)
    with PartialRun(tmp_path / "run") as partial:
        partial.resume({})
        partial.receive(question.key, trial.earlier[0])
    asker.asked.clear()
    (again,) = await settle(tmp_path / "run", asker, question)
    assert asker.asked == {"It is 42.": 1}
    assert again == trial


@contextmanager
def smallest_files(size: int) -> Generator[None]:
    """No file may grow beyond `size` bytes, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


async def test_a_full_disk_loses_no_answer_that_was_kept(tmp_path: Path, suite: Suite) -> None:
    """The run stops with what there is; with room again it goes on, and asks nothing that was kept."""
    questions = [Question(suite.name, case) for case in suite.cases if case.expect.kind == "calls" or case.id == "sum"]
    asker = Counting({})
    with smallest_files(600), pytest.raises(CapacityError):
        await settle(tmp_path / "run", asker, *questions)
    with PartialRun(tmp_path / "run") as partial:
        partial.resume({})
        known = {question.case.messages[0]["content"] for question in questions if question.key in partial.answers}
    assert known
    again = Counting({})
    assert len(await settle(tmp_path / "run", again, *questions)) == len(questions)
    assert not known & set(again.asked)


async def test_the_same_question_is_asked_once(tmp_path: Path, suite: Suite) -> None:
    """A second run under the same conditions takes every answer from the cache, marked with when it was given."""
    questions = [Question(suite.name, case) for case in suite.cases]
    first, second, third = Counting({}), Counting({}), Counting({})
    with AnswerCache({"model": "a"}) as cache:
        asked = await settle(tmp_path / "first", first, *questions, cache=cache)
    with AnswerCache({"model": "a"}) as cache:
        found = await settle(tmp_path / "second", second, *questions, cache=cache)
    with AnswerCache({"model": "b"}) as cache:
        await settle(tmp_path / "third", third, *questions, cache=cache)
    assert (first.asked.total(), second.asked.total(), third.asked.total()) == (6, 0, 6)
    assert [trial.right for trial in found] == [trial.right for trial in asked]
    assert all(answer.cached for trial in found for answer in trial.answers)


async def test_a_broken_cache_is_done_without(
    tmp_path: Path, cases: Mapping[str, Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is no database, or a folder that is not there, costs the answers in it and nothing else."""
    monkeypatch.setenv("PUNIE_CACHE", str(tmp_path))
    (cache_folder() / "answers.sqlite").write_bytes(b"not a database" * 100)
    with AnswerCache({}) as cache:
        (trial,) = await settle(tmp_path / "run", Counting({}), Question("six", cases["sum"]), cache=cache)
    assert trial.outcome is Outcome.SCORED


async def test_the_cache_is_bounded(tmp_path: Path, suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its size the answers that were not used for longest go."""
    monkeypatch.setattr("punie.evaluation.cache.LARGEST_ANSWERS", 2)
    monkeypatch.setenv("PUNIE_CACHE", str(tmp_path / "cache"))
    questions, asker = [Question(suite.name, case) for case in suite.cases], Counting({})
    with AnswerCache({}) as cache:
        await settle(tmp_path / "run", asker, *questions, cache=cache)
    with AnswerCache({}) as cache:
        kept = [case.id for case in suite.cases if cache.read(case.messages, case.tools) is not None]
    assert len(kept) == 2


@pytest.mark.parametrize(("verdict", "right"), [("VERDICT: PASS", True), ("VERDICT: FAIL", False)])
async def test_a_rubric_is_judged_by_another_model(
    tmp_path: Path, cases: Mapping[str, Case], verdict: str, right: bool
) -> None:
    """The judge's word decides, the trial is weak and names it, and judging again leaves it as it is."""
    case = Case.model_validate({**cases["sum"].model_dump(), "expect": {"kind": "judge", "rubric": "It is 42."}})
    judge = RubricJudge("gauge", Verdicts(verdict))
    with PartialRun(tmp_path / "run") as partial:
        partial.resume({})
        await Examiner(Counting({"What is 12 + 30?": "It is 42."}), partial, "off", judge=judge).ask(
            [Question("s", case)]
        )
        (trial,) = partial.trials.values()
    assert (trial.right, trial.weak, trial.suite) == (right, True, "s")
    assert trial.reason.startswith("gauge: ")
    assert judged_again(trial, "off") == trial


class Verdicts:
    """A judging model that always says the same."""

    def __init__(self, verdict: str) -> None:
        self.verdict = verdict

    async def complete(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] = ()
    ) -> Completion:
        return Completion(self.verdict, "stop", prompt_tokens=1, completion_tokens=1, seconds=0.1)
