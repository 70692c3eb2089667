"""A proven server for other programs, for as long as somebody waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from punie.serving.client import Client, Sampling, TokenDecoder
from punie.serving.identity import Identity, prove_identity
from punie.serving.server import ManagedServer

_HEALTH_EVERY = 5.0


async def serve(
    model: Path, adapter: Path | None, *, port: int, log: Path, on_ready: Callable[[str], None]
) -> None:
    """Serve until cancelled. Raises ServerError when the server cannot start, proves to be another, or dies."""
    adapter = adapter.resolve() if adapter else None
    async with ManagedServer(model, adapter=adapter, log=log, port=port) as server:
        identity = await _prove(server, model, adapter)
        on_ready(_greeting(server, identity))
        while (lost := await server.lost()) is None:
            await asyncio.sleep(_HEALTH_EVERY)
        raise lost


async def _prove(server: ManagedServer, model: Path, adapter: Path | None) -> Identity:
    decode, sampling = TokenDecoder(model), Sampling()
    async with AsyncExitStack() as stack:
        base, adapted = (
            await stack.enter_async_context(
                Client(server.base_url, model, arm, decode=decode, sampling=sampling, width=1)
            )
            for arm in (None, adapter)
        )
        return await prove_identity(base, adapted if adapter else None)


def _greeting(server: ManagedServer, identity: Identity) -> str:
    live = "" if identity.adapter_distance is None else f", adapter live by {identity.adapter_distance:.2f} nats"
    return (
        f"Serving at {server.base_url}/v1 (process {server.pid}{live}).\n"
        f"Name the model default_model. Log: {server.log}. Ctrl-C ends it."
    )
