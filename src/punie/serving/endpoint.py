"""Somebody else's server that speaks the OpenAI protocol: asked, never started, and not proven.

Its text is what it gives: content, and the calls it parsed, written back as `<tool_call>` blocks, so that one scorer
judges every answer. What such a server dropped without a word cannot be recovered.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import httpx

from punie.conversation import ToolCall
from punie.errors import IdentityError, ServerError, UsageError
from punie.serving.completion import Completion, LostReply, Messages, RefusedQuestion, Sampling
from punie.serving.transport import PAUSES, Request, Transport, unreachable
from punie.toolcalls import render_call

_SILENCE_SECONDS = 600.0
_TOP_TOKENS = 5
_ONE_QUESTION = frozenset({400, 413, 422})
"""What is wrong with the question; 401, 403 and 404 would be the same for every other one."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`base_url` as its owner gives it, usually ending in /v1; `model` as the server calls it."""

    base_url: str
    model: str
    key: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        url = httpx.URL(self.base_url)
        if url.scheme not in ("http", "https") or not url.host:
            raise UsageError("The base URL must begin with http:// or https://.", where=self.base_url)
        if url.userinfo or url.query:
            raise UsageError("The base URL is recorded, so it must carry no secret.", hint="Use --api-key-env.")


class EndpointClient:
    """Questions to one model of an endpoint. A request is sent again as `Transport` says, a refused one never."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        keep_alive: int = 0,
        pauses: Sequence[float] = PAUSES,
        on_send: Callable[[], None] = lambda: None,
    ) -> None:
        self._model = endpoint.model
        self._answering = ""
        self._transport = Transport(
            endpoint.base_url,
            key=endpoint.key,
            silence=_SILENCE_SECONDS,
            patient=True,
            keep_alive=keep_alive,
            pauses=pauses,
            on_send=on_send,
        )

    async def __aenter__(self) -> EndpointClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    @property
    def answering(self) -> str:
        """What the server calls the model that answers; empty before the first answer."""
        return self._answering

    async def complete(self, messages: Messages, tools: Messages, sampling: Sampling) -> Completion:
        """Answer one conversation.

        Raises RefusedQuestion where the server will not answer it, LostReply where its reply cannot be read,
        ServerError where it does not work at all, IdentityError where another model answers than before.
        """
        request = {"model": self._model, "messages": list(messages), **sampling.request()}
        if tools:
            request["tools"] = list(tools)
        started = time.perf_counter()
        reply = await self._ask(request)
        seconds = time.perf_counter() - started
        choice, usage = reply["choices"][0], reply.get("usage") or {}
        return Completion(
            text=_as_written(choice["message"], choice["finish_reason"]),
            finish_reason=choice["finish_reason"] or "",
            prompt_tokens=usage.get("prompt_tokens") or 0,
            completion_tokens=usage.get("completion_tokens") or 0,
            seconds=seconds,
        )

    async def first_token(self, messages: Messages) -> dict[str, float]:
        """Log-probabilities, in nats, of the likeliest first tokens, by their text; none where they are not offered."""
        request = {"model": self._model, "messages": list(messages), "max_tokens": 1, "temperature": 0.0}
        try:
            reply = await self._ask({**request, "logprobs": True, "top_logprobs": _TOP_TOKENS})
        except RefusedQuestion:
            reply = await self._ask(request)
        tokens = (reply["choices"][0].get("logprobs") or {}).get("content") or [{}]
        return {token["token"]: token["logprob"] for token in tokens[0].get("top_logprobs") or ()}

    async def _ask(self, request: Request) -> dict[str, Any]:
        try:
            response = await self._transport.post("/chat/completions", request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            raise unreachable(error) from error
        except httpx.TransportError as error:
            raise LostReply(unreachable(error).what) from error
        if not response.is_success:
            said = f"The endpoint answers {response.status_code}: {self._transport.shown(response)}"
            raise RefusedQuestion(said) if response.status_code in _ONE_QUESTION else ServerError(said)
        try:
            reply = response.json()
            self._require_same_model(str(reply["model"]))
            reply["choices"][0]["finish_reason"], dict(reply["choices"][0]["message"])
        except (ValueError, LookupError, TypeError) as error:
            said = self._transport.shown(response)
            raise LostReply(f"This is no reply of the OpenAI protocol: {said}", hint="Is /v1 missing?") from error
        return reply

    def _require_same_model(self, name: str) -> None:
        if self._answering and name != self._answering:
            raise IdentityError(f"Two models answer under one name: {self._answering!r}, then {name!r}.")
        self._answering = name


def _as_written(message: Mapping[str, Any], finish_reason: str | None) -> str:
    calls = message.get("tool_calls") or ()
    blocks = [_block(call["function"]) for call in calls]
    if finish_reason == "tool_calls" and not blocks:
        blocks = ["<tool_call></tool_call>"]  # mlx_lm dropped a call that it could not parse
    return "\n".join([*filter(None, [message.get("content")]), *blocks])


def _block(function: Mapping[str, Any]) -> str:
    """A call as the model may have written it. Arguments that are no JSON object stay as they are: malformed."""
    try:
        arguments = json.loads(function["arguments"] or "{}")
    except ValueError:
        arguments = None
    if isinstance(arguments, dict):
        return render_call(ToolCall(function["name"], arguments))
    return f"<tool_call>{function['name']} {function['arguments']}</tool_call>"
