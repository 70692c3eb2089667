"""A real `mlx_lm server` as our own child: on its own port, ready when it has answered, gone when its owner is."""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import signal
import socket
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import psutil

from punie.errors import ServerError
from punie.process import Child, mlx_environment
from punie.serving.orphans import end_orphans, note_server

HOST = "127.0.0.1"

GREETING: tuple[Mapping[str, str], ...] = ({"role": "user", "content": "Hello."},)
"""The prompt whose one-token answer proves readiness. It is the first identity probe too: see `identity.PROBES`."""

_PROMPT_CACHE_BYTES = 2 << 30
_POLL_SECONDS = 0.1
_KNOCK_SECONDS = 2.0
_HEALTH_SECONDS = 30.0
_DYING_SECONDS = 2.0


class ManagedServer:
    """One model behind a port nobody else has.

    `model` is a local folder, and requests must name it by exactly this path: any other name makes the server drop its
    weights and load again. `port` 0 takes a free one; a taken one is refused before any weights load. The server's
    output is appended to `log`, and to `notes` a line for each answer: how it is drawn. `adapter` belongs to requests
    that name `default_model`; a request that names the path says itself which adapter it wants. The prompt cache is
    capped in bytes, since mlx-lm's own default has no limit.
    """

    def __init__(
        self,
        model: Path,
        *,
        log: Path,
        notes: Path = Path(os.devnull),
        adapter: Path | None = None,
        port: int = 0,
        prompt_cache_bytes: int = _PROMPT_CACHE_BYTES,
        ready_within: float = 600.0,
    ) -> None:
        self.model = model
        self.log = log
        self.notes = notes
        self.port = port
        self._adapter = adapter
        self._prompt_cache_bytes = prompt_cache_bytes
        self._ready_within = ready_within
        self._log_start = 0
        self._child: Child | None = None
        self._note: Path | None = None
        self._given_up = ""
        self.starts = 0
        """How many times it was started."""

    @property
    def base_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        return self._started.pid

    async def __aenter__(self) -> ManagedServer:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def start(self) -> None:
        """Return once the model has answered. Raises ServerError with the child's last lines when it will not.

        Servers that an earlier command of ours left behind are ended first: their weights would take the memory.
        After `stop` it may be called again, and takes the same port.
        """
        end_orphans()
        self.port = _claim_port(self.port)
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        words = (str(self.notes), *self._arguments())
        self._child = Child("punie.serving.worker", *words, log=self.log, environment=_environment())
        self.starts, self._given_up = self.starts + 1, ""
        try:
            self._note = note_server(self._child.pid, tuple(self._child.command), self.log)
            async with asyncio.timeout(self._ready_within):
                await self._until_ready()
        except TimeoutError as error:
            failure = self._failure(f"The model server was not ready within {self._ready_within:g} seconds.")
            self.stop()
            raise failure from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the child and everything it started; calling it again does nothing."""
        if self._child is not None:
            self._child.stop()
        if self._note is not None:
            self._note.unlink(missing_ok=True)

    def give_up(self, reason: str) -> None:
        """Kill a server that hangs. All its connections break, and `lost` gives the reason."""
        self._given_up = reason
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def cpu_seconds(self) -> float:
        """Processor time the server has used since it started; 0 once it has ended."""
        try:
            times = psutil.Process(self.pid).cpu_times()
        except psutil.NoSuchProcess:
            return 0.0
        return times.user + times.system

    async def lost(self) -> ServerError | None:
        """Why nothing can be asked of this server any more, with the last lines of its log; None while it is well."""
        if self._given_up:
            return self._failure(self._given_up)
        try:
            async with self._http() as http:
                health = await http.get("/health")
        except httpx.TransportError as error:
            return self._failure(await self._why_silent(error))
        return None if health.is_success else self._failure("The generation thread of the model server has died.")

    async def _why_silent(self, error: httpx.TransportError) -> str:
        # A dying process closes its connections a moment before it can be waited for.
        try:
            code = await asyncio.to_thread(self._started.wait, _DYING_SECONDS)
        except subprocess.TimeoutExpired:
            return f"The model server does not answer: {error or type(error).__name__}."
        return f"The model server ended with code {code}."

    def _arguments(self) -> list[str]:
        cache = str(self._prompt_cache_bytes)
        address = ["--host", HOST, "--port", str(self.port)]
        adapter = [] if self._adapter is None else ["--adapter-path", str(self._adapter)]
        return ["--model", str(self.model), *adapter, *address, "--prompt-cache-bytes", cache]

    async def _until_ready(self) -> None:
        async with self._http() as http:
            while not await self._answers_the_door(http):  # noqa: ASYNC110 (what is awaited happens in another process)
                await asyncio.sleep(_POLL_SECONDS)
            await self._greet(http)

    async def _answers_the_door(self, http: httpx.AsyncClient) -> bool:
        """Whether the one who answers on the port is our child: it writes every path it is asked for into its log."""
        self._refuse_failed_start()
        nonce = secrets.token_hex(8)
        try:
            await http.get(f"/{nonce}", timeout=_KNOCK_SECONDS)
        except httpx.TransportError:
            return False
        if nonce not in self._own_log():
            raise self._failure(f"Another program answers on port {self.port}.")
        return True

    def _refuse_failed_start(self) -> None:
        if (code := self._started.poll()) is not None:
            raise self._failure(f"The model server ended with code {code} before it was ready.")
        # mlx_lm survives a failed bind: its generation thread keeps the process alive behind no port.
        if os.strerror(errno.EADDRINUSE) in self._own_log():
            raise self._failure(f"Port {self.port} was taken by another program while the model server started.")

    async def _greet(self, http: httpx.AsyncClient) -> None:
        """Ask for one token. /health cannot be trusted here: it says 200 while the weights are still loading."""
        question: dict[str, Any] = {"model": str(self.model), "messages": list(GREETING), "max_tokens": 1}
        try:
            reply = await http.post("/v1/chat/completions", json=question, timeout=None)
        except httpx.TransportError as error:
            raise self._failure(f"The model server broke at its first request: {error}") from error
        if reply.status_code != httpx.codes.OK:
            raise self._failure(f"The model server cannot answer: {reply.text}")

    def _http(self) -> httpx.AsyncClient:
        # The environment may name a proxy, which has no business between two processes of one machine.
        return httpx.AsyncClient(base_url=self.base_url, timeout=_HEALTH_SECONDS, trust_env=False)

    def _own_log(self) -> str:
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def _failure(self, what: str) -> ServerError:
        return ServerError(what, where=str(self.log), hint=f"Its last lines:\n{self._started.last_lines()}")

    @property
    def _started(self) -> Child:
        if self._child is None:
            raise ServerError("The model server has not been started.")
        return self._child


def _claim_port(port: int) -> int:
    """`port` itself, or a free one for 0. Raises ServerError where the server could not listen on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server's own socket does
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ServerError(
                f"Port {port} cannot be used: {error.strerror}.",
                where=HOST,
                hint="Name another port, or none to have a free one chosen.",
            ) from error
        return probe.getsockname()[1]


def _environment() -> dict[str, str]:
    # The model is a folder, so the hub is never needed; offline, a misspelt name fails at once instead of downloading.
    return mlx_environment() | {"HF_HUB_OFFLINE": "1"}
