"""What an evaluation asks: one arm, proven or marked as not proven, at one width."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from punie.errors import IdentityError
from punie.serving.client import Client
from punie.serving.completion import Asker, Completion, Messages, ModelClient, Sampling
from punie.serving.decoder import TokenDecoder
from punie.serving.drawn import Drawn, fresh_notes, read_drawn
from punie.serving.endpoint import Endpoint, EndpointClient
from punie.serving.fleet import Fleet, gather_fleet
from punie.serving.identity import Identity, describe_endpoint, prove_identity, same_arm
from punie.serving.keeper import Keeper
from punie.serving.server import GREETING, ManagedServer
from punie.serving.width import Tuning, best_width

_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model on this machine, with an adapter or without; the folders are absolute. `port` 0 takes a free one."""

    model: Path
    adapter: Path | None = None
    allow_noop_adapter: bool = False
    port: int = 0


class Arm:
    """One model, proven or marked as not proven. Each server of it is asked at most `width` questions at once."""

    def __init__(
        self,
        client: ModelClient,
        identity: Identity,
        tuning: Tuning,
        keeper: Keeper | None = None,
        fleet: Fleet | None = None,
        notes: Path | None = None,
    ) -> None:
        self.identity = identity
        self.width = tuning.width
        self.rates = tuning.rates
        """Tokens per second at each width that was tried; none where the width was given."""
        self._client = client
        self._keeper = keeper
        self._fleet = fleet
        self._notes = notes
        self._slots = asyncio.Semaphore(tuning.width * (len(fleet.servers) if fleet else 1))

    @property
    def restarts(self) -> tuple[str, ...]:
        """Why the server was started again in between."""
        return tuple(self._keeper.restarts) if self._keeper else ()

    @property
    def servers(self) -> dict[str, str]:
        """Why each of several servers was lost, by address; empty where it was not."""
        return {server.url: server.lost for server in self._fleet.servers} if self._fleet else {}

    @property
    def pid(self) -> int | None:
        """The process of the server, where it is ours."""
        return self._keeper.pid if self._keeper else None

    def drawn(self) -> Drawn | None:
        """How the answers so far were drawn, as our own server noted it; None of somebody else's."""
        return None if self._notes is None else read_drawn(self._notes)

    def sampled(self, sampling: Sampling) -> Asker:
        """The arm as somebody to ask. Questions of all samplings share the one width."""
        return _SampledArm(self, sampling)

    async def complete(self, messages: Messages, tools: Messages, sampling: Sampling) -> Completion:
        ask = partial(self._client.complete, messages, tools, sampling)
        async with self._slots:
            return await (self._keeper.see_through(ask) if self._keeper else ask())


@dataclass(frozen=True, slots=True)
class _SampledArm:
    arm: Arm
    sampling: Sampling

    async def complete(self, messages: Messages, tools: Messages = ()) -> Completion:
        """Answer one conversation, over one death of our own server."""
        return await self.arm.complete(messages, tools, self.sampling)


@asynccontextmanager
async def serve_local(
    local: LocalModel, *, width: int | None, log: Path, patience: float = _PATIENCE
) -> AsyncGenerator[Arm]:
    """A server of our own for as long as the context lasts, proven before anything is asked. Width None is measured.

    Raises ServerError when it does not start, IdentityError when it is not what was asked for.
    """
    notes = fresh_notes(log)
    async with ManagedServer(local.model, log=log, notes=notes, port=local.port) as server:
        client = partial(Client, server.base_url, local.model, decode=TokenDecoder(local.model))
        adapted_client = nullcontext(None) if local.adapter is None else client(local.adapter)
        async with client() as base, adapted_client as adapted:
            prove = partial(prove_identity, base, adapted, allow_noop=local.allow_noop_adapter)
            identity = await prove()

            async def prove_again() -> None:
                if not same_arm(identity, await prove()):
                    raise IdentityError("After it was started again, the server gives other answers.", where=str(log))

            asked = adapted or base
            knock = partial(asked.first_token, GREETING)
            tuning = await _tuned(asked, identity, width)
            async with Keeper(server, prove=prove_again, knock=knock, patience=patience) as keeper:
                yield Arm(asked, identity, tuning, keeper, notes=notes)


@asynccontextmanager
async def ask_endpoint(endpoint: Endpoint, *, width: int | None) -> AsyncGenerator[Arm]:
    """Somebody else's server for as long as the context lasts; nothing is started, and nothing proven.

    Raises ServerError where it does not answer.
    """
    async with EndpointClient(endpoint, keep_alive=width or 0) as client:
        identity = await describe_endpoint(endpoint, client)
        yield Arm(client, identity, await _tuned(client, identity, width))


@asynccontextmanager
async def ask_endpoints(endpoints: Sequence[Endpoint], *, width: int | None) -> AsyncGenerator[Arm]:
    """The same of one server, or of several that are found to be the same. Width None is measured on the first.

    Raises what `gather_fleet` raises.
    """
    if len(endpoints) == 1:
        async with ask_endpoint(endpoints[0], width=width) as arm:
            yield arm
        return
    async with gather_fleet(endpoints, keep_alive=width or 0) as (fleet, identity):
        tuning = await _tuned(fleet.well[0].client, identity, width)
        fleet.allow(tuning.width)
        yield Arm(fleet, identity, tuning, fleet=fleet)


async def _tuned(client: ModelClient, identity: Identity, width: int | None) -> Tuning:
    return await best_width(client, identity) if width is None else Tuning(width=width, rates={})
