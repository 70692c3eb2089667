"""Asking questions, turn by turn, and judging what comes back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import Any, Protocol

import msgspec

from punie.evaluation.cache import AnswerCache
from punie.evaluation.outcomes import Answer, Outcome, Trial, TrialKey
from punie.evaluation.rubric import RubricJudge, judge_by_rubric
from punie.evaluation.scorers import CodeExecution, judge
from punie.evaluation.suite import Case, Turn
from punie.serving.completion import Asker, DroppedReply, RefusedQuestion

Messages = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Question:
    """A case of a suite, to be asked for the `sample`-th time."""

    suite: str
    case: Case
    sample: int = 0

    @property
    def key(self) -> TrialKey:
        return self.suite, self.case.id, self.sample


class Journal(Protocol):
    """Keeps what has come, so that nothing is asked twice. Its writers raise CapacityError where the disk is full."""

    @property
    def answers(self) -> Mapping[TrialKey, Sequence[Answer]]: ...

    def receive(self, key: TrialKey, answer: Answer) -> None: ...

    def add(self, trial: Trial) -> None: ...


@dataclass(frozen=True, slots=True)
class Examiner:
    """Asks all questions at once; how many are under way is the asker's to limit.

    An answer is taken from the journal of the run, or else from the cache, or else it is asked for. Judging happens in
    threads, as many at a time as there are processors.
    """

    asker: Asker
    journal: Journal
    execution: CodeExecution
    cache: AnswerCache | None = None
    judge: RubricJudge | None = None
    on_trial: Callable[[Trial], None] = lambda _: None

    async def ask(self, questions: Iterable[Question]) -> None:
        """Hand each trial to the journal as it is judged. Raises the first error; what came before it is kept."""
        judges = asyncio.Semaphore(os.cpu_count() or 1)
        try:
            async with asyncio.TaskGroup() as group:
                for question in questions:
                    group.create_task(self._settle(question, judges))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures

    async def _settle(self, question: Question, judges: asyncio.Semaphore) -> None:
        trial = await self._trial(question, judges)
        self.journal.add(trial)
        self.on_trial(trial)

    async def _trial(self, question: Question, judges: asyncio.Semaphore) -> Trial:
        """The trial of the last turn, or of the first that went wrong."""
        messages: list[Mapping[str, Any]] = list(question.case.messages)
        received: list[Answer] = []
        for turn in (*question.case.turns, None):
            try:
                answer = await self._answer(question, messages, len(received))
            except DroppedReply as error:
                return _unanswered(question, received, error.what, Outcome.FAILED)
            except RefusedQuestion as error:
                return _unanswered(question, received, error.what, Outcome.UNSCORED)
            if turn is None and self.judge is not None and question.case.expect.kind == "judge":
                trial = _placed(question, await judge_by_rubric(question.case, answer, self.judge), received)
            else:
                async with judges:
                    trial = await asyncio.to_thread(_judged, question, turn, answer, received, self.execution)
            if turn is None or not trial.right:
                return trial
            received.append(answer)
            messages += follow_up(turn)
        raise AssertionError("the last turn always ends a trial")

    async def _answer(self, question: Question, messages: Messages, turn: int) -> Answer:
        known = self.journal.answers.get(question.key, ())
        if turn < len(known):
            return known[turn]
        answer = self.cache.read(messages, question.case.tools) if self.cache else None
        if answer is None:
            answer = Answer(**asdict(await self.asker.complete(messages, question.case.tools)))
            if self.cache:
                self.cache.write(messages, question.case.tools, answer)
        self.journal.receive(question.key, answer)
        return answer


def follow_up(turn: Turn) -> list[dict[str, Any]]:
    """What a conversation goes on with after a turn: the calls as they should be, and their scripted results."""
    calls, results = [], []
    for number, (call, result) in enumerate(zip(turn.calls, turn.results, strict=True)):
        arguments = msgspec.json.encode(call.reference().arguments).decode()
        calls.append(
            {"id": f"call_{number}", "type": "function", "function": {"name": call.name, "arguments": arguments}}
        )
        results.append({"role": "tool", "tool_call_id": f"call_{number}", "name": call.name, "content": result})
    return [{"role": "assistant", "content": "", "tool_calls": calls}, *results]


def judged_again(trial: Trial, execution: CodeExecution) -> Trial:
    """The trial with every judgement made anew from its answers. One without an answer, and one that another model
    judged, stays as it is.
    """
    if trial.answer is None or trial.case.expect.kind == "judge":
        return trial
    question = Question(trial.suite, trial.case, trial.sample)
    received: list[Answer] = []
    for turn, answer in zip_longest(trial.case.turns, trial.answers):
        if answer is None:
            break
        again = _judged(question, turn, answer, received, execution)
        if turn is None or not again.right:
            return again
        received.append(answer)
    unscored = {"outcome": Outcome.UNSCORED, "value": None, "reason": "its next turn was not asked", "failure": ""}
    return trial.model_copy(update=unscored)


def _judged(
    question: Question, turn: Turn | None, answer: Answer, earlier: Sequence[Answer], execution: CodeExecution
) -> Trial:
    case = question.case if turn is None else question.case.model_copy(update={"expect": turn.expect})
    return _placed(question, judge(case, answer, execution), earlier)


def _placed(question: Question, trial: Trial, earlier: Sequence[Answer]) -> Trial:
    place = "" if not question.case.turns or trial.right else f"turn {len(earlier) + 1}: "
    update = {"suite": question.suite, "case": question.case, "sample": question.sample, "earlier": tuple(earlier)}
    return trial.model_copy(update={**update, "reason": f"{place}{trial.reason}"})


def _unanswered(question: Question, earlier: Sequence[Answer], why: str, outcome: Outcome) -> Trial:
    return Trial(
        suite=question.suite,
        case=question.case,
        sample=question.sample,
        earlier=tuple(earlier),
        answer=None,
        outcome=outcome,
        value=None,
        reason=why,
        failure="dropped reply" if outcome is Outcome.FAILED else "",
    )
