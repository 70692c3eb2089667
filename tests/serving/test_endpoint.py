"""Somebody else's server: asked as it is, told apart as far as it lets, never trusted with more than it needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from punie.conversation import ToolCall
from punie.errors import IdentityError, ServerError, UsageError
from punie.serving.arms import ask_endpoint
from punie.serving.completion import RefusedQuestion, Sampling
from punie.serving.endpoint import Endpoint, EndpointClient
from punie.serving.server import ManagedServer
from punie.toolcalls import parse_calls

SAMPLING = Sampling(max_tokens=8)
KEY = "sk-not-for-logs"


def ask(cue: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": cue}]


def replied(message: Mapping[str, Any], *, model: str = "toy-1", finish_reason: str = "stop") -> dict[str, Any]:
    return {"model": model, "choices": [{"message": message, "finish_reason": finish_reason}]}


def client_of(url: str) -> EndpointClient:
    return EndpointClient(Endpoint(url, "toy", KEY))


async def test_a_foreign_mlx_server_is_asked(scripted_server: ManagedServer) -> None:
    """Text, a call, a broken call and an answer without end stay four different things, though nothing is raw."""
    endpoint = Endpoint(f"{scripted_server.base_url}/v1", str(scripted_server.model))
    async with ask_endpoint(endpoint, width=2) as arm:
        asker = arm.sampled(SAMPLING)
        plain, call, broken, endless = [
            await asker.complete(ask(cue)) for cue in ("@plain", "@call", "@broken", "@endless")
        ]
    assert plain.text == "Certainly."
    assert parse_calls(call.text).calls == (ToolCall("read", {"path": "é.py"}),)
    assert parse_calls(broken.text).malformed
    assert endless.finish_reason == "length"
    assert (plain.prompt_tokens, plain.completion_tokens) != (0, 0)
    assert not arm.identity.proven
    assert arm.identity.model == str(scripted_server.model)
    assert arm.identity.model_hash.startswith("unproven-")
    assert len(arm.identity.base_probes[0].logprobs) == 5


async def test_arguments_that_are_no_object_are_malformed(toy: Any) -> None:
    """What an endpoint hands on unread is judged as the model wrote it."""
    calls = [{"function": {"name": "read", "arguments": '{"path": '}}]
    async with (
        toy(lambda _: replied({"content": None, "tool_calls": calls}, finish_reason="tool_calls")) as (url, _),
        client_of(url) as client,
    ):
        parsed = parse_calls((await client.complete(ask("hi"), (), SAMPLING)).text)
    assert parsed.calls == ()
    assert [block.body.strip() for block in parsed.malformed] == ['read {"path":']


async def test_a_busy_server_is_asked_again(toy: Any) -> None:
    """429 and 503 pass; nothing was generated, so nothing is asked twice."""
    busy = iter([{"error": "slow down", "status": 429}, {"error": "loading", "status": 503}])
    async with toy(lambda _: next(busy, replied({"content": "yes"}))) as (url, questions), client_of(url) as client:
        assert (await client.complete(ask("hi"), (), SAMPLING)).text == "yes"
    assert len(questions) == 3


@pytest.mark.parametrize(("status", "error"), [(400, RefusedQuestion), (401, ServerError), (404, ServerError)])
async def test_a_refusal_is_not_asked_again_and_does_not_show_the_key(
    status: int, error: type[ServerError], toy: Any
) -> None:
    """The toy says back the whole head of the request; the message leaves the key out."""
    async with toy(lambda _: {"error": "no", "status": status}) as (url, questions), client_of(url) as client:
        with pytest.raises(error, match=f"answers {status}") as refused:
            await client.complete(ask("hi"), (), SAMPLING)
    assert "bearer (the key)" in refused.value.what
    assert KEY not in f"{refused.value} {Endpoint(url, 'toy', KEY)}"
    assert len(questions) == 1


async def test_two_models_under_one_name_are_refused(toy: Any) -> None:
    """A router that hands the second half of a suite to another model makes no number."""
    names = iter(["toy-1", "toy-2"])
    async with toy(lambda _: replied({"content": "x"}, model=next(names))) as (url, _), client_of(url) as client:
        await client.complete(ask("hi"), (), SAMPLING)
        with pytest.raises(IdentityError, match="'toy-1', then 'toy-2'"):
            await client.complete(ask("hi"), (), SAMPLING)


async def test_what_is_no_openai_reply_is_said_so(toy: Any) -> None:
    """A wrong path often answers 200 with a page."""
    async with toy(lambda _: {"hello": "world"}) as (url, _), client_of(url) as client:
        with pytest.raises(ServerError, match="no reply of the OpenAI protocol") as failed:
            await client.complete(ask("hi"), (), SAMPLING)
    assert "/v1" in failed.value.hint


@pytest.mark.parametrize("url", ["localhost:8080/v1", "https://me:secret@host/v1", "https://host/v1?key=secret"])
def test_an_address_that_cannot_be_recorded_is_refused(url: str) -> None:
    """No scheme, or a secret inside."""
    with pytest.raises(UsageError):
        Endpoint(url, "toy")
