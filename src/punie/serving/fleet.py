"""Several servers of one model: found to be the same, asked evenly, and fewer when one of them is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

from punie.errors import IdentityError, ServerError, UsageError
from punie.files import hash_value
from punie.serving.completion import Completion, DroppedReply, Messages, RefusedQuestion, Sampling
from punie.serving.endpoint import Endpoint, EndpointClient
from punie.serving.identity import PROBES, Identity, describe_endpoint, same_answers

_TOOL = {
    "type": "function",
    "function": {
        "name": "read",
        "description": "Read a file.",
        "parameters": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    },
}
_ONE_TOKEN = Sampling(max_tokens=1)


@dataclass(slots=True)
class Server:
    """One of the fleet. `waiting` counts the questions that were given to it and are not answered."""

    endpoint: Endpoint
    client: EndpointClient
    waiting: int = 0
    lost: str = ""
    """Why it is asked no more."""
    slots: asyncio.Semaphore = field(default_factory=asyncio.Semaphore)

    @property
    def url(self) -> str:
        return self.endpoint.base_url


class Fleet:
    """Asks whichever server has the fewest questions, each at most `width` at once.

    A server that does not work is lost for good; what it was asked goes to the others. A question that it refused, or
    whose reply it dropped, is not asked elsewhere: it would be the same there.
    """

    def __init__(self, servers: Sequence[Server]) -> None:
        self.servers = servers

    def allow(self, width: int) -> None:
        """Before the first question."""
        for server in self.servers:
            server.slots = asyncio.Semaphore(width)

    @property
    def well(self) -> list[Server]:
        return [server for server in self.servers if not server.lost]

    async def complete(self, messages: Messages, tools: Messages, sampling: Sampling) -> Completion:
        """Raises what an `EndpointClient` raises; ServerError when all are lost."""
        while self.well:
            server = min(self.well, key=lambda server: server.waiting)
            server.waiting += 1
            try:
                async with server.slots:
                    if not server.lost:
                        done = await server.client.complete(messages, tools, sampling)
                        return replace(done, server=server.url)
            except (DroppedReply, RefusedQuestion, IdentityError):
                raise
            except ServerError as error:
                server.lost = server.lost or error.what
            finally:
                server.waiting -= 1
        reasons = "\n".join(f"{server.url}: {server.lost}" for server in self.servers)
        raise ServerError(f"None of {len(self.servers)} servers works any more.", hint=reasons)


@asynccontextmanager
async def gather_fleet(endpoints: Sequence[Endpoint], *, keep_alive: int) -> AsyncGenerator[tuple[Fleet, Identity]]:
    """Servers that answer as one model. One that does not answer at all is lost from the beginning.

    Raises UsageError where an address is given twice, IdentityError where two are not the same, ServerError where none
    answers.
    """
    urls = [endpoint.base_url.rstrip("/") for endpoint in endpoints]
    if len({*urls}) < len(urls):
        raise UsageError("The same base URL is given twice.", hint="Give each server once.")
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(EndpointClient(one, keep_alive=keep_alive)) for one in endpoints]
        fleet = Fleet([Server(endpoint, client) for endpoint, client in zip(endpoints, clients, strict=True)])
        yield fleet, await _one_identity(fleet)


@dataclass(frozen=True, slots=True)
class _Introduction:
    url: str
    identity: Identity
    lengths: tuple[int, ...]


async def _one_identity(fleet: Fleet) -> Identity:
    """That of the first one that answers, under the addresses of all."""
    introductions = list[_Introduction]()
    for server in fleet.servers:
        try:
            introductions.append(await _introduce(server))
        except IdentityError:
            raise
        except ServerError as error:
            server.lost = error.what
            if not fleet.well:
                raise
    first, *others = introductions
    for other in others:
        _require_same(first, other)
    urls = [server.url for server in fleet.servers]
    known = hash_value([*sorted(urls), first.identity.model])
    return first.identity.model_copy(update={"base_url": ", ".join(urls), "model_hash": f"unproven-sha256:{known}"})


async def _introduce(server: Server) -> _Introduction:
    identity = await describe_endpoint(server.endpoint, server.client)
    questions = [(messages, tools) for messages in PROBES for tools in ((), (_TOOL,))]
    lengths = [await _length(server.client, messages, tools) for messages, tools in questions]
    return _Introduction(server.url, identity, tuple(lengths))


async def _length(client: EndpointClient, messages: Messages, tools: Messages) -> int:
    """Tokens that a question comes to, which a template decides; none where it is refused."""
    try:
        return (await client.complete(messages, tools, _ONE_TOKEN)).prompt_tokens
    except RefusedQuestion:
        return 0


def _require_same(first: _Introduction, other: _Introduction) -> None:
    one, two = first.identity, other.identity
    if one.model != two.model:
        what = f"one names its model {one.model!r}, the other {two.model!r}"
    elif first.lengths != other.lengths:
        what = f"the same questions come to {_listed(first.lengths)} tokens and to {_listed(other.lengths)}"
    elif not same_answers(one.base_probes, two.base_probes):
        what = "the same questions are answered otherwise"
    else:
        return
    raise IdentityError(
        f"These servers are not the same: {what}.",
        where=f"{first.url} and {other.url}",
        hint="Serve one model under one name, with the same adapter and chat template, or ask them one at a time.",
    )


def _listed(lengths: Sequence[int]) -> str:
    return ", ".join(map(str, lengths))
