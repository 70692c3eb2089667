"""Requests over HTTP, asked again only where that cannot ask a model twice."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import httpx

from punie.errors import ServerError

Request = Mapping[str, Any]

_PAUSES = (0.05, 0.2, 0.8)
_CONNECT_SPACING = 0.005
_BUSY = frozenset({408, 429, 500, 502, 503, 504})
_LONGEST_PAUSE = 60.0


class Transport:
    """One address. `key` goes into the Authorization header and nowhere else; `silence` is the longest one in seconds.

    Connections are opened a moment apart, since mlx_lm's accept queue holds five. What failed before the first byte of
    a reply is sent again, up to three times. With `patient`, so is what the server was too busy for (429, 5xx), after
    the time it names in Retry-After: right for somebody else's server, while a broken one of our own is started again.
    """

    def __init__(
        self, base_url: str, *, key: str = "", silence: float | None = None, patient: bool = False, keep_alive: int = 0
    ) -> None:
        self._key = key
        self._patient = patient
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
        for pause in _PAUSES:
            attempt = _Attempt(self._door)
            try:
                response = await self._http.post(path, json=request, extensions={"trace": attempt})
            except httpx.TransportError as error:
                if not self._worth_it(error, attempt):
                    raise
            else:
                if not self._patient or response.status_code not in _BUSY:
                    return response
                pause = _asked_for(response, pause)
            await asyncio.sleep(pause)
        return await self._http.post(path, json=request, extensions={"trace": _Attempt(self._door)})

    async def get(self, path: str, *, within: float) -> httpx.Response:
        return await self._http.get(path, timeout=within)

    def shown(self, response: httpx.Response) -> str:
        """A reply's text for an error message: short, and without the key, which some servers echo."""
        text = response.text if not self._key else response.text.replace(self._key, "(the key)")
        return text[:500]

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


def _asked_for(response: httpx.Response, pause: float) -> float:
    """Seconds a busy server asks for; a date instead of a number is not worth reading here."""
    named = response.headers.get("Retry-After", "")
    return min(float(named), _LONGEST_PAUSE) if named.isdecimal() else pause
