"""A proven server for other programs, for as long as somebody waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from punie.serving.client import Client
from punie.serving.decoder import TokenDecoder
from punie.serving.identity import Identity, prove_identity
from punie.serving.server import ManagedServer

_HEALTH_EVERY = 5.0


async def serve(model: Path, adapter: Path | None, *, port: int, log: Path, on_ready: Callable[[str], None]) -> None:
    """Serve until cancelled; paths are absolute. Raises ServerError when the server cannot start, proves to be another,
    or dies.
    """
    async with ManagedServer(model, adapter=adapter, log=log, port=port) as server:
        on_ready(_greeting(server, await _prove(server, model, adapter)))
        lost = None
        while lost is None:
            await asyncio.sleep(_HEALTH_EVERY)
            lost = await server.lost()
        raise lost


async def _prove(server: ManagedServer, model: Path, adapter: Path | None) -> Identity:
    client = partial(Client, server.base_url, model, decode=TokenDecoder(model))
    arm = nullcontext(None) if adapter is None else client(adapter)
    async with client() as base, arm as adapted:
        return await prove_identity(base, adapted)


def _greeting(server: ManagedServer, identity: Identity) -> str:
    live = "" if identity.adapter_distance is None else f", adapter live by {identity.adapter_distance:.2f} nats"
    return (
        f"Serving at {server.base_url}/v1 (process {server.pid}{live}).\n"
        f"Name the model default_model. Log: {server.log}. Ctrl-C ends it."
    )
