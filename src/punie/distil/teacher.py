"""Asking a teacher: many questions at once, each as often as it takes to get an answer, none twice."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from punie.distil.answers import AnswerFile, Received
from punie.distil.budget import BudgetSpent, Purse, Tokens, most_tokens
from punie.errors import IdentityError, ServerError
from punie.evaluation.outcomes import Answer
from punie.files import hash_value
from punie.serving.arms import Arm, LocalModel, serve_local
from punie.serving.completion import (
    Completion,
    DroppedReply,
    LostReply,
    Messages,
    ModelClient,
    RefusedQuestion,
    Sampling,
)
from punie.serving.endpoint import Endpoint, EndpointClient

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Seconds between attempts where a busy teacher names none: about a minute, then the question is set aside."""

BUDGET = "the budget is spent"
_FORMAT = 1
_ATTEMPTS = 4
"""Requests for one answer, where replies get lost."""
_FAILURES_IN_A_ROW = 5
"""Questions that may fail one after another before the teacher counts as broken."""

Teacher = Endpoint | LocalModel


@dataclass(frozen=True, slots=True)
class Question:
    """A task's messages with what only the teacher is told, to be asked for the `sample`-th time."""

    task: str
    sample: int
    messages: Messages
    tools: Messages = ()

    @property
    def place(self) -> tuple[str, int]:
        return self.task, self.sample


@dataclass(frozen=True, slots=True)
class Opened:
    """A teacher that can be asked; `identity` is what its answers depend on beside question and sampling."""

    client: ModelClient
    identity: dict[str, Any]
    by: Callable[[], str]
    """What the model that answers is called, as far as it says."""


@asynccontextmanager
async def open_teacher(
    teacher: Teacher, *, width: int, log: Path, on_send: Callable[[], None]
) -> AsyncGenerator[Opened]:
    """An endpoint, of which its model's name is believed; or a server of our own, proven, known by its files."""
    if isinstance(teacher, Endpoint):
        async with EndpointClient(teacher, keep_alive=width, pauses=PAUSES, on_send=on_send) as client:
            yield Opened(client, {"model": teacher.model}, lambda: client.answering)
        return
    async with serve_local(teacher, width=width, log=log) as arm:
        names = ("model_hash", "adapter_hash", "tokenizer_hash", "template_hash")
        identity = {name: getattr(arm.identity, name) for name in names}
        yield Opened(_Counted(arm, on_send), identity, lambda: "self")


@dataclass(frozen=True, slots=True)
class _Counted:
    """Our own server, of which a question is one request."""

    arm: Arm
    on_send: Callable[[], None]

    async def complete(self, messages: Messages, tools: Messages, sampling: Sampling) -> Completion:
        self.on_send()
        return await self.arm.complete(messages, tools, sampling)


class Asking:
    """Questions to an opened teacher under one sampling, at most `width` at once.

    Nothing that is under way is broken off when something else fails: it may be paid for already. `received` has the
    answers by task and sample, and `missing` says why there is none.
    """

    def __init__(
        self,
        opened: Opened,
        file: AnswerFile,
        purse: Purse,
        sampling: Sampling,
        *,
        width: int,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self.received: dict[tuple[str, int], Received] = {}
        self.missing: dict[tuple[str, int], str] = {}
        self._opened, self._file, self._purse, self._sampling = opened, file, purse, sampling
        self._slots = asyncio.Semaphore(width)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._on_end = on_end
        self._broken: ServerError | None = None
        self._in_a_row = 0

    async def ask(self, questions: Iterable[Question]) -> None:
        """Raises the ServerError that made it useless to go on, once everything under way has ended; CapacityError at
        once where an answer cannot be written down.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for question in questions:
                    group.create_task(self._settle(question))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures
        if self._broken is not None:
            raise self._broken

    async def _settle(self, question: Question) -> None:
        key = self._key(question)
        async with self._turns[key], self._slots:  # Two tasks may ask the same; one answer serves both.
            if key not in self._file.received and self._broken is None:
                await self._try(question, key)
        if key in self._file.received:
            self.received[question.place] = self._file.received[key]
        self._on_end()

    async def _try(self, question: Question, key: str) -> None:
        try:
            await self._answer(question, key)
        except BudgetSpent:
            self.missing[question.place] = BUDGET
        except (RefusedQuestion, DroppedReply) as error:
            self.missing[question.place] = error.what
        except ServerError as error:
            self.missing[question.place] = error.what
            self._in_a_row += 1
            if self._in_a_row >= _FAILURES_IN_A_ROW or isinstance(error, IdentityError):
                self._broken = error
        else:
            self._in_a_row = 0

    async def _answer(self, question: Question, key: str) -> None:
        """Ask until there is an answer, and keep it. Raises what a ModelClient raises, or BudgetSpent."""
        most = most_tokens(question.messages, question.tools, self._sampling.max_tokens)
        for attempt in range(_ATTEMPTS):
            await self._purse.hold(most)
            self._file.ask(key, most)
            real = Tokens()
            try:
                completion = await self._opened.client.complete(question.messages, question.tools, self._sampling)
                real = _tokens_of(completion) or most
                self._file.answer(key, question.place, self._opened.by(), Answer(**asdict(completion)), real)
                return
            except (ServerError, BudgetSpent) as error:
                paid = isinstance(error, LostReply | IdentityError)
                real = most if paid else Tokens()
                self._file.fail(key, str(error), paid=paid)
                if not isinstance(error, LostReply) or attempt == _ATTEMPTS - 1:
                    raise
            finally:
                await self._purse.settle(most, real)

    def _key(self, question: Question) -> str:
        asked = [list(question.messages), list(question.tools), self._sampling.request(), question.sample]
        return hash_value([_FORMAT, self._opened.identity, *asked])


def _tokens_of(completion: Completion) -> Tokens | None:
    """None where the server does not say."""
    tokens = Tokens(completion.prompt_tokens, completion.completion_tokens)
    return tokens if tokens.prompt and tokens.answer else None
