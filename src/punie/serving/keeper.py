"""Keeping a server of our own alive under its questions: noticing that it hangs, starting it again once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TypeVar

from punie.errors import IdentityError, ServerError
from punie.serving.completion import DroppedReply, RefusedQuestion
from punie.serving.server import ManagedServer

_LOOK_EVERY = 1.0
_IDLE_CPU = 0.01
"""Share of one core below which a server with questions under way is suspected of doing nothing."""

_Answer = TypeVar("_Answer")


class Keeper:
    """Sees questions through to their answers, over one death of the server.

    A server that is killed, ends, answers 503 or hangs is started again, `prove` is called, and the questions that were
    under way are put again; those answered before are not. The second time is the end. It hangs when it has had
    questions for `patience` seconds, used no processor, and does not answer `knock` within as many seconds again. While
    it is started again, or proven, nothing is asked: a foreign question would come between the probes.
    """

    def __init__(
        self,
        server: ManagedServer,
        *,
        prove: Callable[[], Awaitable[None]],
        knock: Callable[[], Awaitable[object]],
        patience: float,
    ) -> None:
        self.restarts: list[str] = []
        """Why the server was started again."""
        self._server = server
        self._prove = prove
        self._knock = knock
        self._patience = patience
        self._under_way = 0
        self._repair = asyncio.Lock()
        self._open = asyncio.Event()
        self._open.set()
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Keeper:
        self._watch = asyncio.create_task(self._look_after())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])

    @property
    def pid(self) -> int:
        return self._server.pid

    async def see_through(self, ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """The answer to one question. Raises what asking raises where the server is well, ServerError where it is lost
        for the second time.
        """
        while True:
            await self._open.wait()
            start = self._server.starts
            self._under_way += 1
            try:
                return await ask()
            except (DroppedReply, RefusedQuestion, IdentityError):
                raise
            except ServerError as error:
                failure = error
            finally:
                self._under_way -= 1
            await self._start_again(start, failure)

    async def _start_again(self, start: int, failure: ServerError) -> None:
        """Once, however many questions fail together: the first one sees to it, the others find it done."""
        async with self._repair:
            if self._server.starts != start:
                return
            lost = await self._server.lost()
            if lost is None or self.restarts:
                raise lost or failure
            self.restarts.append(lost.what)
            self._open.clear()
            try:
                await asyncio.to_thread(self._server.stop)
                await self._server.start()
                await self._prove()
            finally:
                self._open.set()

    async def _look_after(self) -> None:
        busy_since_cpu, idle = self._server.cpu_seconds(), 0.0
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            used = self._server.cpu_seconds() - busy_since_cpu
            busy_since_cpu += used
            idle = idle + _LOOK_EVERY if self._under_way and used < _IDLE_CPU * _LOOK_EVERY else 0.0
            if idle >= self._patience:
                await self._require_sign_of_life()
                idle = 0.0

    async def _require_sign_of_life(self) -> None:
        start = self._server.starts
        try:
            await asyncio.wait_for(self._knock(), self._patience)
        except TimeoutError:
            if self._server.starts == start:
                self._server.give_up(f"The model server hung: no answer and no work in {2 * self._patience:g} seconds.")
        except ServerError:
            return  # the questions under way have met the same, and see to it
