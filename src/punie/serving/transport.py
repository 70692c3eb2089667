"""Requests over HTTP, asked again only where that cannot ask a model twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any

import httpx

from punie.errors import ServerError

Request = Mapping[str, Any]

PAUSES = (0.05, 0.2, 0.8)
_CONNECT_SPACING = 0.005
_BUSY = frozenset({408, 429, 500, 502, 503, 504})
_LONGEST_PAUSE = 60.0


class Transport:
    """One address. `key` goes into the Authorization header and nowhere else; `silence` is the longest one in seconds.

    Connections are opened a moment apart, since mlx_lm's accept queue holds five. What failed before the first byte of
    a reply is sent again, after each of the `pauses` (seconds). With `patient`, so is what the server was too busy for
    (429, 5xx): right for somebody else's server, while a broken one of our own is started again. The time that it names
    in Retry-After is kept by every question. `on_send` is called before each request, and may raise to forbid it.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: str = "",
        silence: float | None = None,
        patient: bool = False,
        keep_alive: int = 0,
        pauses: Sequence[float] = PAUSES,
        on_send: Callable[[], None] = lambda: None,
    ) -> None:
        self._key = key
        self._patient = patient
        self._pauses = pauses
        self._on_send = on_send
        self._free_at = 0.0
        self._door = asyncio.Lock()
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(10.0, read=silence, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=keep_alive),
            trust_env=patient,  # a proxy has no business between two processes of one machine
        )

    async def __aenter__(self) -> Transport:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def post(self, path: str, request: Request) -> httpx.Response:
        """The reply, whatever its status. Raises httpx.TransportError where there is none."""
        for pause in self._pauses:
            attempt = _Attempt(self._door)
            try:
                response = await self._send(path, request, attempt)
            except httpx.TransportError as error:
                if not self._worth_it(error, attempt):
                    raise
            else:
                if not self._patient or response.status_code not in _BUSY:
                    return response
                if (asked_for := _asked_for(response)) is not None:
                    self._free_at = max(self._free_at, time.monotonic() + asked_for)
                    continue
            await asyncio.sleep(pause)
        return await self._send(path, request, _Attempt(self._door))

    async def get(self, path: str, *, within: float) -> httpx.Response:
        return await self._http.get(path, timeout=within)

    def shown(self, response: httpx.Response) -> str:
        """A reply's text for an error message: short, and without the key, which some servers echo."""
        text = response.text if not self._key else response.text.replace(self._key, "(the key)")
        return text[:500]

    async def _send(self, path: str, request: Request, attempt: _Attempt) -> httpx.Response:
        while (wait := self._free_at - time.monotonic()) > 0:  # noqa: ASYNC110 (another question may move it on)
            await asyncio.sleep(wait)
        self._on_send()
        return await self._http.post(path, json=request, extensions={"trace": attempt})

    def _worth_it(self, error: httpx.TransportError, attempt: _Attempt) -> bool:
        if attempt.begun or isinstance(error, httpx.ReadTimeout | httpx.UnsupportedProtocol):
            return False
        # Our own server closes a connection without a reply for a reason of its own: see DroppedReply.
        return self._patient or not isinstance(error, httpx.RemoteProtocolError)


class _Attempt:
    """Follows one request: lets connections be opened one after another, and notes the first byte of the reply."""

    def __init__(self, door: asyncio.Lock) -> None:
        self.begun = False
        self._door = door

    async def __call__(self, event: str, _: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.started":
            async with self._door:
                await asyncio.sleep(_CONNECT_SPACING)
        elif event.endswith("receive_response_headers.complete"):
            self.begun = True


def unreachable(error: httpx.TransportError) -> ServerError:
    return ServerError(f"The model server does not answer: {error or type(error).__name__}.")


def _asked_for(response: httpx.Response) -> float | None:
    """Seconds that a busy server asks for, as a number or as a date; None where it says nothing that can be read."""
    named = response.headers.get("Retry-After", "")
    if named.isdecimal():
        return min(float(named), _LONGEST_PAUSE)
    try:
        date = parsedate_to_datetime(named)
    except ValueError:
        return None
    seconds = (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_PAUSE)
