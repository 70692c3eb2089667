"""Several servers as one: found to be the same, asked evenly, and fewer when one is lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest

from punie.errors import IdentityError, ServerError, UsageError
from punie.serving.arms import ask_endpoints
from punie.serving.completion import RefusedQuestion, Sampling
from punie.serving.endpoint import Endpoint
from punie.serving.identity import PROBES

SAMPLING = Sampling(max_tokens=8)
INTRODUCTION = len(PROBES) * 3
"""Questions before the first case: probes, and their lengths with and without a tool."""

UNREACHABLE = "http://127.0.0.1:9"
PATIENCE = 60.0


def replied(*, model: str = "toy-1", tokens: int = 3, logprob: float = -0.5, text: str = "yes") -> dict[str, Any]:
    likeliest = [{"token": "yes", "logprob": logprob}, {"token": "no", "logprob": -3.0}]
    choice = {
        "message": {"content": text},
        "finish_reason": "stop",
        "logprobs": {"content": [{"top_logprobs": likeliest}]},
    }
    return {"model": model, "choices": [choice], "usage": {"prompt_tokens": tokens, "completion_tokens": 1}}


def ask(number: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"case {number}"}]


def is_case(question: Mapping[str, Any]) -> bool:
    return question["messages"][0]["content"].startswith("case")


def endpoints(*urls: str) -> tuple[Endpoint, ...]:
    return tuple(Endpoint(url, "toy") for url in urls)


async def test_each_question_goes_to_the_server_with_the_fewest(toy: Any) -> None:
    """Two that answer alike get as many each, one after the other, and every answer says whose it is."""
    async with AsyncExitStack() as stack:
        urls = [(await stack.enter_async_context(toy(lambda _: replied())))[0] for _ in range(2)]
        arm = await stack.enter_async_context(ask_endpoints(endpoints(*urls), width=4))
        asker = arm.sampled(SAMPLING)
        answers = await asyncio.gather(*(asker.complete(ask(number)) for number in range(8)))
    assert Counter(answer.server for answer in answers) == {url: 4 for url in urls}
    assert arm.servers == dict.fromkeys(urls, "")
    assert arm.identity.base_url == ", ".join(urls)
    assert not arm.identity.proven


async def test_a_slow_server_holds_nobody_up(toy: Any) -> None:
    """While one thinks, the other gets what is left; neither has more than its width."""
    asked, thinking = asyncio.Event(), asyncio.Event()

    async def slow(question: Mapping[str, Any]) -> dict[str, Any]:
        if is_case(question):
            asked.set()
            await thinking.wait()
        return replied()

    async with (
        toy(slow) as (one, _),
        toy(lambda _: replied()) as (two, _),
        ask_endpoints(endpoints(one, two), width=1) as arm,
    ):
        asker = arm.sampled(SAMPLING)
        first = asyncio.create_task(asker.complete(ask(0)))
        await asyncio.wait_for(asked.wait(), PATIENCE)
        answers = [await asyncio.wait_for(asker.complete(ask(number)), PATIENCE) for number in range(1, 5)]
        thinking.set()
        assert {answer.server for answer in answers} == {two}
        assert (await first).server == one


async def test_the_questions_of_a_server_that_dies_go_to_the_others(toy: Any) -> None:
    """All are answered, none of them by the dead one, and why it was lost is kept."""

    def dying(question: Mapping[str, Any]) -> dict[str, Any] | None:
        return None if is_case(question) else replied()

    async with (
        toy(dying) as (one, _),
        toy(lambda _: replied()) as (two, asked),
        ask_endpoints(endpoints(one, two), width=4) as arm,
    ):
        asker = arm.sampled(SAMPLING)
        answers = await asyncio.gather(*(asker.complete(ask(number)) for number in range(8)))
    assert {answer.server for answer in answers} == {two}
    assert len([question for question in asked if is_case(question)]) == 8
    assert arm.servers[one]
    assert not arm.servers[two]


async def test_without_any_server_left_each_one_says_why(toy: Any) -> None:
    """However many questions are under way; nothing is asked for ever."""

    def dying(question: Mapping[str, Any]) -> dict[str, Any] | None:
        return {"error": "broken", "status": 401} if is_case(question) else replied()

    async with toy(dying) as (one, _), toy(dying) as (two, _), ask_endpoints(endpoints(one, two), width=2) as arm:
        asker = arm.sampled(SAMPLING)
        ends = await asyncio.gather(*(asker.complete(ask(number)) for number in range(6)), return_exceptions=True)
    assert all(isinstance(end, ServerError) and "None of 2 servers works any more" in str(end) for end in ends)
    assert all(f"{url}: The endpoint answers 401" in str(ends[0]) for url in (one, two))


async def test_a_refused_question_is_not_asked_elsewhere(toy: Any) -> None:
    """What one of equal servers will not answer the other will not either, and neither is lost."""

    def refusing(question: Mapping[str, Any]) -> dict[str, Any]:
        return {"error": "too long", "status": 400} if is_case(question) else replied()

    async with (
        toy(refusing) as (one, asked),
        toy(refusing) as (two, others),
        ask_endpoints(endpoints(one, two), width=2) as arm,
    ):
        with pytest.raises(RefusedQuestion):
            await arm.sampled(SAMPLING).complete(ask(0))
    assert not any(arm.servers.values())
    assert sum(map(is_case, [*asked, *others])) == 1


async def test_a_server_that_never_answers_is_lost_from_the_beginning(toy: Any) -> None:
    """The others are asked; it is named with the reason."""
    async with toy(lambda _: replied()) as (one, _), ask_endpoints(endpoints(UNREACHABLE, one), width=2) as arm:
        assert (await arm.sampled(SAMPLING).complete(ask(0))).server == one
    assert "does not answer" in arm.servers[UNREACHABLE]


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        ({"model": "toy-2"}, "one names its model 'toy-1', the other 'toy-2'"),
        ({"tokens": 4}, "come to 3, 3, 3, 3, 3, 3 tokens and to 4, 4, 4, 4, 4, 4"),
        ({"logprob": -2.0}, "answered otherwise"),
    ],
    ids=["model", "template", "weights"],
)
async def test_servers_of_different_things_are_refused(toy: Any, other: dict[str, Any], difference: str) -> None:
    """Before any case is asked, with both addresses."""
    async with toy(lambda _: replied()) as (one, asked), toy(lambda _: replied(**other)) as (two, _):
        with pytest.raises(IdentityError, match=difference) as refused:
            async with ask_endpoints(endpoints(one, two), width=2):
                pass
    assert refused.value.where == f"{one} and {two}"
    assert len(asked) == INTRODUCTION


async def test_one_address_twice_is_refused() -> None:
    """It would look like two servers, and be one."""
    with pytest.raises(UsageError, match="given twice"):
        async with ask_endpoints(endpoints(UNREACHABLE, f"{UNREACHABLE}/"), width=1):
            pass
