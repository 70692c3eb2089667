"""The client: what the model wrote, letter by letter, and whose fault it is when there is nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from punie.errors import IdentityError, ServerError, UsageError
from punie.serving.client import TOP_TOKENS, Client
from punie.serving.completion import DroppedReply, RefusedQuestion, Sampling
from punie.serving.decoder import TokenDecoder
from punie.serving.server import ManagedServer
from punie.toolcalls import parse_calls

MODEL = Path("/models/toy")


def ask(cue: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": cue}]


def client_of(server: ManagedServer) -> Client:
    return Client(server.base_url, server.model, decode=TokenDecoder(server.model))


def toy_client(url: str, adapter: Path | None = None) -> Client:
    return Client(url, MODEL, adapter, decode=lambda ids: f"{list(ids)}")


def toy_reply(question: Mapping[str, Any]) -> dict[str, Any]:
    choice = {"finish_reason": "stop", "logprobs": {"content": [{"id": 7, "logprob": -0.5}]}}
    return {"model": question["model"], "choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 1}}


@pytest.mark.parametrize(
    ("cue", "text", "finish_reason"),
    [
        ("@plain", "Certainly.", "stop"),
        ("@call", '<tool_call>{"name":"read","arguments":{"path":"é.py"}}</tool_call>', "tool_calls"),
        ("@broken", '<tool_call>{"name":"read"</tool_call>', "tool_calls"),
        ("@endless", "lalalalalalalala", "length"),
        ("no cue at all", "", "stop"),
    ],
)
async def test_the_text_is_what_the_model_wrote(
    cue: str, text: str, finish_reason: str, scripted_server: ManagedServer
) -> None:
    """Tags, broken calls and characters of several tokens come back whole; the end token does not."""
    async with client_of(scripted_server) as client:
        completion = await client.complete(ask(cue), (), Sampling(max_tokens=8))
    assert (completion.text, completion.finish_reason) == (text, finish_reason)
    assert completion.completion_tokens <= 8
    assert completion.prompt_tokens > 0
    assert completion.seconds > 0


@pytest.mark.parametrize(("temperature", "askings"), [(0.0, 2), (0.5, 1)])
async def test_a_call_that_breaks_the_servers_formatter_is_the_models_failure(
    temperature: float, askings: int, scripted_server: ManagedServer
) -> None:
    """A greedy question is asked once more to make sure, a sampled one gets no second draw; the server lives on."""
    before = scripted_server.log.read_text().count("POST ")
    async with client_of(scripted_server) as client:
        with pytest.raises(DroppedReply, match="wrong shape"):
            await client.complete(ask("@shapeless"), (), Sampling(temperature))
        assert scripted_server.log.read_text().count("POST ") == before + askings
        assert (await client.complete(ask("@plain"), (), Sampling())).text == "Certainly."


async def test_many_questions_at_once_are_all_answered(scripted_server: ManagedServer) -> None:
    """The server's accept queue holds five; sixty-four connections at once overrun it unless they are ramped."""
    async with client_of(scripted_server) as client:
        asked = (client.complete(ask(f"{number}@endless"), (), Sampling(max_tokens=6)) for number in range(64))
        completions = await asyncio.gather(*asked)
    assert {completion.text for completion in completions} == {"la" * 6}


async def test_first_token_gives_the_likeliest_beginnings(scripted_server: ManagedServer) -> None:
    """As many alternatives as the server gives; the scripted one is all but certain."""
    async with client_of(scripted_server) as client:
        logprobs = await client.first_token(ask("@plain"))
    assert len(logprobs) == TOP_TOKENS
    likeliest = int(max(logprobs, key=lambda token: logprobs[token]))
    assert TokenDecoder(scripted_server.model)([likeliest]) == "Certainly"
    assert logprobs[str(likeliest)] == pytest.approx(0, abs=1e-3)


async def test_every_setting_reaches_the_server(toy: Any) -> None:
    """Model and adapter are named in full, sampling is sent as given, and there is never a seed."""
    sampling = Sampling(temperature=0.7, top_p=0.9, max_tokens=33)
    tools = [{"type": "function", "function": {"name": "read"}}]
    async with toy(toy_reply) as (url, questions), toy_client(url, Path("/a")) as client:
        completion = await client.complete(ask("hi"), tools, sampling)
    assert questions == [
        {
            "model": "/models/toy",
            "adapters": "/a",
            "messages": ask("hi"),
            "tools": tools,
            "temperature": 0.7,
            "top_p": 0.9,
            "max_tokens": 33,
            "logprobs": True,
        }
    ]
    assert (completion.text, completion.prompt_tokens, completion.completion_tokens) == ("[7]", 3, 1)


async def test_a_reset_before_the_first_byte_is_tried_again(toy: Any) -> None:
    """Two resets cost a moment, not the answer."""
    replies = iter([None, None])
    async with toy(lambda question: next(replies, toy_reply(question))) as (url, questions), toy_client(url) as client:
        assert (await client.complete(ask("hi"), (), Sampling())).text == "[7]"
    assert len(questions) == 3


async def test_resets_without_end_are_the_servers_failure(toy: Any) -> None:
    """Four attempts, then an error of the server's kind."""
    async with toy(lambda question: None) as (url, questions), toy_client(url) as client:
        with pytest.raises(ServerError, match="does not answer"):
            await client.complete(ask("hi"), (), Sampling())
    assert len(questions) == 4


async def test_a_refusal_is_not_asked_again(toy: Any) -> None:
    """The server is well and refuses this question: its own words are passed on."""
    async with toy(lambda question: {"error": "no such adapter"}) as (url, questions), toy_client(url) as client:
        with pytest.raises(RefusedQuestion, match="no such adapter"):
            await client.complete(ask("hi"), (), Sampling())
    assert len(questions) == 1


async def test_an_answer_from_another_model_is_no_answer(toy: Any) -> None:
    """The reply must name the model that was asked."""
    async with toy(lambda question: toy_reply({"model": "gpt-4"})) as (url, _), toy_client(url) as client:
        with pytest.raises(IdentityError, match="answered by 'gpt-4'"):
            await client.complete(ask("hi"), (), Sampling())


async def test_a_server_that_is_not_there_is_the_servers_failure(toy: Any) -> None:
    """Nothing listens any more."""
    async with toy(toy_reply) as (url, _):
        pass
    async with toy_client(url) as client:
        with pytest.raises(ServerError, match="does not answer"):
            await client.complete(ask("hi"), (), Sampling())


def test_a_tool_call_survives_the_embedded_tokenizer(tiny_model: Path) -> None:
    """Ids of a call decode to the call, tags included, and it parses."""
    from tokenizers import Tokenizer

    call = '<tool_call>\n{"name": "read_file", "arguments": {"path": "src/é.py"}}\n</tool_call>'
    ids = Tokenizer.from_file(str(tiny_model / "tokenizer.json")).encode(call).ids
    text = TokenDecoder(tiny_model)(ids)
    assert text == call
    assert parse_calls(text).calls[0].arguments == {"path": "src/é.py"}


def test_a_model_without_a_tokenizer_file_is_refused(tmp_path: Path) -> None:
    """Without tokenizer.json the raw text could not be had."""
    with pytest.raises(UsageError, match=r"no tokenizer\.json"):
        TokenDecoder(tmp_path)
