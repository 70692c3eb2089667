"""A teacher behind HTTP that misbehaves when it is told to; what it answers, a function or a real server says."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Question = Mapping[str, Any]
Reply = Callable[[Question], bytes]
MALFORMED, TRUNCATED, HELD = "malformed", "truncated", "held"


@dataclass
class FaultyTeacher:
    """`faults` go to the first requests, one each: a status, MALFORMED, TRUNCATED, HELD, or a number of seconds.

    A held request waits for `release`. `whole` has every question that got a whole answer, `heads` all headers.
    """

    reply: Reply
    faults: list[int | float | str] = field(default_factory=list)
    whole: list[Question] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)
    retry_after: Callable[[], str] = lambda: "1"
    """What a 429 asks for, when it is sent."""
    times: list[float] = field(default_factory=list)
    """When each request came."""
    base_url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def requests(self) -> int:
        return len(self.heads)

    def next_fault(self, head: str) -> int | float | str | None:
        with self.lock:
            self.heads.append(head)
            self.times.append(time.monotonic())
            return self.faults.pop(0) if self.faults else None

    def answer(self, question: Question) -> bytes:
        body = self.reply(question)
        with self.lock:
            self.whole.append(question)
        return body


def forwarded(base_url: str) -> Reply:
    """Answers of a real server."""

    def reply(question: Question) -> bytes:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{base_url}/chat/completions", json.dumps(question).encode(), headers)
        with urllib.request.urlopen(request, timeout=120) as response:
            return response.read()

    return reply


def said(text: str, *, prompt_tokens: int = 10, completion_tokens: int = 5, finish_reason: str = "stop") -> bytes:
    """An OpenAI reply."""
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": finish_reason}
    return json.dumps({"model": "toy-1", "choices": [choice], "usage": usage}).encode()


@contextmanager
def serve(teacher: FaultyTeacher) -> Iterator[FaultyTeacher]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with suppress(ConnectionError):
                self._misbehave(teacher.next_fault(str(self.headers)), question)

        def _misbehave(self, fault: int | float | str | None, question: Question) -> None:
            match fault:
                case int():
                    self._send(
                        fault, b'{"error": "no"}', {"Retry-After": teacher.retry_after()} if fault == 429 else {}
                    )
                case "malformed":
                    self._send(200, b'{"model": "toy-1", "choices": [')
                case "truncated":
                    body = teacher.reply(question)
                    self._send(200, body[: len(body) // 2], {"Content-Length": str(len(body))})
                case _:
                    if fault is not None:
                        teacher.release.wait(60 if fault == HELD else float(fault))
                    self._send(200, teacher.answer(question))

        def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | dict(headers or {})).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        teacher.base_url = f"http://127.0.0.1:{server.server_port}/v1"
        try:
            yield teacher
        finally:
            teacher.release.set()
            server.shutdown()
            thread.join()
