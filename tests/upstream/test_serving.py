"""The oddities of mlx-lm's server that Punie works around are still there in the installed version."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from punie.serving.server import ManagedServer

PAGE = Path(__file__).parents[2] / "docs" / "upstream.md"
QUESTION = {"messages": [{"role": "user", "content": "Hello."}], "max_tokens": 1}


@pytest.fixture(scope="module")
def server(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedServer]:
    server = ManagedServer(tiny_model, log=tmp_path_factory.mktemp("server") / "server.log")
    asyncio.run(server.start())
    yield server
    server.stop()


def ask(server: ManagedServer, **more: Any) -> httpx.Response:
    return httpx.post(f"{server.base_url}/v1/chat/completions", json={**QUESTION, **more}, timeout=60)


IGNORED = {"n": 3, "response_format": {"type": "json_object"}, "tool_choice": "required"}


def ignored_wish(server: ManagedServer) -> bool:
    """Each is accepted, and there is one plain answer."""
    replies = [ask(server, **{key: value}) for key, value in IGNORED.items()]
    return all(reply.is_success and len(reply.json()["choices"]) == 1 for reply in replies)


def nameless_adapter(server: ManagedServer) -> bool:
    """An adapter that is nowhere does not disturb a request without a model's name."""
    return ask(server, adapters="/nowhere").is_success


def named_adapter(server: ManagedServer) -> bool:
    """The same is an error once the model is named."""
    return not ask(server, model=str(server.model), adapters="/nowhere").is_success


def unknown_model(server: ManagedServer) -> bool:
    """A name nobody knows is looked for, and the model that was there has to be loaded again."""
    return ask(server, model="no/such-model").status_code == 404


@pytest.mark.parametrize("observed", [ignored_wish, nameless_adapter, named_adapter, unknown_model])
def test_the_server_still_does_it(server: ManagedServer, observed: Any) -> None:
    """A change upstream is noticed here, and the page says what of Punie may go with it."""
    assert observed(server), f"mlx-lm's server has changed; see the row `{observed.__name__}` of docs/upstream.md"


def test_each_has_its_row() -> None:
    """The page names every observation."""
    named = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert {"ignored_wish", "nameless_adapter", "named_adapter", "unknown_model"} <= named
