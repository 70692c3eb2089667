"""Asking a model server, and reading back exactly what the model wrote.

mlx_lm's server strips tool calls out of the text, parses them and drops those it cannot parse, so its `content` is not
what the model wrote. With `logprobs` it also returns the id of every token, and the raw text is decoded from those.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from punie.errors import IdentityError, ServerError, UsageError
from punie.files import read_json

TOP_TOKENS = 11
"""How many alternatives the server gives at most for one token."""

_RETRY_PAUSES = (0.05, 0.2, 0.8)
_CONNECT_SPACING = 0.005
_UNANSWERED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.WriteError, httpx.ReadError)

Request = dict[str, Any]
Decode = Callable[[Sequence[int]], str]


class DroppedReply(ServerError):
    """The server is well, took the question and closed the connection without a word.

    It does so when the model writes a tool call that is valid JSON of the wrong shape (mlx-lm 0.32: no `arguments`, or
    a list): formatting the reply raises. The model's fault, then, not the network's.
    """


@dataclass(frozen=True, slots=True)
class Sampling:
    """Temperature 0 is greedy. No seed: mlx_lm serves a request that carries one alone, outside the batch."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 256


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model wrote: `text` is raw, with its tags. `seconds` run from connecting to the last byte."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float


class TokenDecoder:
    """Token ids to raw text, by the model's own tokenizer.json; the token that ended the answer is left out."""

    def __init__(self, model: Path) -> None:
        from tokenizers import Tokenizer

        path = model / "tokenizer.json"
        if not path.is_file():
            raise UsageError("The model has no tokenizer.json.", where=str(model), hint="Convert it with mlx_lm first.")
        self._tokenizer = Tokenizer.from_file(str(path))
        self._ends = self._end_tokens(model)

    def __call__(self, ids: Sequence[int]) -> str:
        ended = bool(ids) and ids[-1] in self._ends
        return self._tokenizer.decode(list(ids[:-1] if ended else ids), skip_special_tokens=False)

    def _end_tokens(self, model: Path) -> frozenset[int]:
        ends: set[int] = set()
        for name in ("config.json", "generation_config.json"):
            declared = _read_optional(model / name).get("eos_token_id")
            ends.update(declared if isinstance(declared, list) else [] if declared is None else [declared])
        token = _read_optional(model / "tokenizer_config.json").get("eos_token")
        named = token.get("content") if isinstance(token, dict) else token
        number = self._tokenizer.token_to_id(named) if named else None
        return frozenset(ends if number is None else ends | {number})


class Client:
    """Questions to one arm: a model, with an adapter or without.

    At most `width` questions are under way at once. The two arms of one server must take turns, never overlap: every
    change of adapter empties the batch and loads the model again. `read_timeout` is the longest silence in seconds.
    """

    def __init__(
        self,
        base_url: str,
        model: Path,
        adapter: Path | None = None,
        *,
        decode: Decode,
        sampling: Sampling,
        width: int,
        read_timeout: float = 600.0,
    ) -> None:
        self.model = model
        self.adapter = adapter
        self.sampling = sampling
        self._decode = decode
        self._slots = asyncio.Semaphore(width)
        self._door = asyncio.Lock()
        self._http = httpx.AsyncClient(
            base_url=base_url,
            timeout=httpx.Timeout(10.0, read=read_timeout),
            limits=httpx.Limits(max_connections=width, max_keepalive_connections=0),
            trust_env=False,
        )

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def complete(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] = ()
    ) -> Completion:
        """Answer one conversation. Messages and tools are sent as they stand.

        Raises DroppedReply when the model's answer broke the server's formatter, ServerError when the server broke,
        IdentityError when another model answers.
        """
        limits = {"temperature": self.sampling.temperature, "top_p": self.sampling.top_p}
        request = self._request(messages, max_tokens=self.sampling.max_tokens, **limits)
        if tools:
            request["tools"] = list(tools)
        async with self._slots:
            started = time.perf_counter()
            reply = await self._ask(request)
            seconds = time.perf_counter() - started
        choice, usage = reply["choices"][0], reply["usage"]
        return Completion(
            text=self._decode([token["id"] for token in choice["logprobs"]["content"]]),
            finish_reason=choice["finish_reason"],
            prompt_tokens=usage["prompt_tokens"],
            completion_tokens=usage["completion_tokens"],
            seconds=seconds,
        )

    async def first_token(self, messages: Sequence[Mapping[str, Any]]) -> dict[int, float]:
        """Log-probabilities, in nats, of the likeliest tokens an answer could begin with, by token id."""
        request = self._request(messages, max_tokens=1, temperature=0.0, top_logprobs=TOP_TOKENS)
        async with self._slots:
            reply = await self._ask(request)
        tokens = reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        return {token["id"]: token["logprob"] for token in tokens}

    def _request(self, messages: Sequence[Mapping[str, Any]], **settings: Any) -> Request:
        # Named in full each time: the server ignores `adapters` when it is asked for its default model.
        adapter = {} if self.adapter is None else {"adapters": str(self.adapter)}
        return {"model": str(self.model), **adapter, "messages": list(messages), "logprobs": True, **settings}

    async def _ask(self, request: Request) -> dict[str, Any]:
        # A greedy question can be asked again to make sure; a sampled one would give the model a second draw.
        for _ in range(2 if request["temperature"] == 0 else 1):
            try:
                return self._accepted(await self._post(request))
            except httpx.RemoteProtocolError:
                await self._require_health()
            except httpx.TransportError as error:
                raise _unreachable(error) from error
        raise DroppedReply("The server dropped its reply: the model wrote a tool call of the wrong shape.")

    async def _post(self, request: Request) -> httpx.Response:
        """One reply. What failed before its first byte is tried again: the server's accept queue holds five."""
        for pause in _RETRY_PAUSES:
            try:
                return await self._send(request)
            except _UNANSWERED:
                await asyncio.sleep(pause)
        return await self._send(request)

    async def _send(self, request: Request) -> httpx.Response:
        return await self._http.post("/v1/chat/completions", json=request, extensions={"trace": self._ramp})

    async def _ramp(self, event: str, _: Mapping[str, Any]) -> None:
        """Let connections be opened one after another, a moment apart, so that a burst does not overrun the queue."""
        if event == "connection.connect_tcp.started":
            async with self._door:
                await asyncio.sleep(_CONNECT_SPACING)

    def _accepted(self, response: httpx.Response) -> dict[str, Any]:
        if response.status_code != httpx.codes.OK:
            raise ServerError(f"The server refused the request ({response.status_code}): {response.text}")
        reply = response.json()
        if reply.get("model") != str(self.model):
            raise IdentityError(f"Asked for {self.model}, answered by {reply.get('model')!r}.")
        return reply

    async def _require_health(self) -> None:
        try:
            health = await self._http.get("/health", timeout=10.0)
        except httpx.TransportError as error:
            raise _unreachable(error) from error
        if not health.is_success:
            raise ServerError("The generation thread of the model server has died.")


def _unreachable(error: httpx.TransportError) -> ServerError:
    return ServerError(f"The model server does not answer: {error or type(error).__name__}.")


def _read_optional(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}
