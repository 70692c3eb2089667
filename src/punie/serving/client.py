"""Asking a server of our own, and reading back exactly what the model wrote.

mlx_lm's server strips tool calls out of the text, parses them and drops those it cannot parse, so its `content` is not
what the model wrote. With `logprobs` it also returns the id of every token, and the raw text is decoded from those.
It does so only where the reply is not streamed. Streaming would let it notice a client that has gone; ours goes only
when it stops the server as well, so no answer is ever generated for nobody.
"""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from punie.errors import IdentityError, ServerError
from punie.serving.completion import Completion, DroppedReply, Messages, RefusedQuestion, Sampling
from punie.serving.decoder import Decode
from punie.serving.transport import Transport, unreachable

TOP_TOKENS = 11
"""How many alternatives the server gives at most for one token."""

_HEALTH_SECONDS = 10.0

Request = dict[str, Any]


class Client:
    """Questions to one arm: a model, with an adapter or without.

    The two arms of one server must take turns, never overlap: every change of adapter empties the batch and loads the
    model again. How long an answer may take is not its business: `serving.keeper` ends a server that hangs.
    """

    def __init__(self, base_url: str, model: Path, adapter: Path | None = None, *, decode: Decode) -> None:
        self.model = model
        self.adapter = adapter
        self._decode = decode
        self._transport = Transport(base_url)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    async def complete(self, messages: Messages, tools: Messages, sampling: Sampling) -> Completion:
        """Answer one conversation. Messages and tools are sent as they stand.

        Raises DroppedReply when the model's answer broke the server's formatter, RefusedQuestion when a well server
        will not answer it, ServerError when the server broke, IdentityError when another model answers.
        """
        request = self._request(messages, **sampling.request())
        if tools:
            request["tools"] = list(tools)
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

    async def first_token(self, messages: Messages) -> dict[str, float]:
        """Log-probabilities, in nats, of the likeliest tokens an answer could begin with, by token id."""
        request = self._request(messages, max_tokens=1, temperature=0.0, top_logprobs=TOP_TOKENS)
        reply = await self._ask(request)
        tokens = reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        return {str(token["id"]): token["logprob"] for token in tokens}

    def _request(self, messages: Messages, **settings: Any) -> Request:
        # Named in full each time: the server ignores `adapters` when it is asked for its default model.
        adapter = {} if self.adapter is None else {"adapters": str(self.adapter)}
        return {"model": str(self.model), **adapter, "messages": list(messages), "logprobs": True, **settings}

    async def _ask(self, request: Request) -> dict[str, Any]:
        # A greedy question can be asked again to make sure; a sampled one would give the model a second draw.
        for _ in range(2 if request["temperature"] == 0 else 1):
            try:
                response = await self._transport.post("/v1/chat/completions", request)
            except httpx.RemoteProtocolError:
                await self._require_health()
            except httpx.TransportError as error:
                raise unreachable(error) from error
            else:
                return await self._accepted(response)
        raise DroppedReply("The server dropped its reply: the model wrote a tool call of the wrong shape.")

    async def _accepted(self, response: httpx.Response) -> dict[str, Any]:
        if response.status_code != httpx.codes.OK:
            # mlx_lm says 404 for almost anything, the end of its generation thread among it.
            await self._require_health()
            raise RefusedQuestion(f"The server refused the request ({response.status_code}): {response.text}")
        reply = response.json()
        if reply.get("model") != str(self.model):
            raise IdentityError(f"Asked for {self.model}, answered by {reply.get('model')!r}.")
        return reply

    async def _require_health(self) -> None:
        try:
            health = await self._transport.get("/health", within=_HEALTH_SECONDS)
        except httpx.TransportError as error:
            raise unreachable(error) from error
        if not health.is_success:
            raise ServerError("The generation thread of the model server has died.")
