"""The hub is asked where huggingface_hub would ask, for a bounded time, and not at all where it is switched off."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from huggingface_hub import constants

from punie.doctor.hub import THREAD, begin_asking

PATIENCE = 30.0


class Answering(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _nobody_asks_on() -> Iterator[None]:
    """The thread that was given up ends a moment later, and its socket with it."""
    yield
    for thread in threading.enumerate():
        if thread.name == THREAD:
            thread.join(PATIENCE)


@pytest.fixture
def server() -> Iterator[str]:
    """Answers with the status that its path names."""
    with HTTPServer(("127.0.0.1", 0), Answering) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()
        thread.join()


def point_at(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.mark.parametrize(
    ("status", "failure"), [(200, ""), (401, ""), (404, ""), (403, "it answers with 403"), (503, "it answers with 503")]
)
def test_an_answer_is_an_answer(status: int, failure: str, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for a login is there; a proxy that lets nobody through, and who has broken, are told of."""
    point_at(monkeypatch, f"{server}/{status}")
    found = begin_asking(PATIENCE)()
    assert found.failure == failure
    assert found.seconds > 0


def test_nobody_there_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection needs no waiting."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        point_at(monkeypatch, f"http://127.0.0.1:{unused.getsockname()[1]}")
        assert "refused" in begin_asking(PATIENCE)().failure


def test_a_hub_that_is_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Someone who takes the connection and says nothing costs the bound, and no more."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        point_at(monkeypatch, f"http://127.0.0.1:{mute.getsockname()[1]}")
        assert begin_asking(0.2)().failure


def test_a_hub_that_is_switched_off_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """HF_HUB_OFFLINE is a decision, not a fault."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        point_at(monkeypatch, f"http://127.0.0.1:{listener.getsockname()[1]}")
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        assert begin_asking(PATIENCE)().switched_off
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
