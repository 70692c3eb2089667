"""Whether the hub of models answers: asked in the background, and given up after three seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread

THREAD = "hub"
_WITHIN_SECONDS = 3.0
_THERE_ALL_THE_SAME = (401, 404)
"""A hub that wants a login, and one without a front page. A proxy that lets nobody through says 403 or 407."""


@dataclass(frozen=True, slots=True)
class Hub:
    """`failure` is why it cannot be used, "" where it can; nothing is asked where it is switched off."""

    endpoint: str
    switched_off: bool = False
    seconds: float = 0.0
    failure: str = ""


def begin_asking(within: float = _WITHIN_SECONDS) -> Callable[[], Hub]:
    """Ask the endpoint that huggingface_hub uses. The function returned waits until `within` seconds are over."""
    from huggingface_hub import constants

    endpoint = constants.ENDPOINT
    if constants.is_offline_mode():
        return lambda: Hub(endpoint, switched_off=True)
    answers: SimpleQueue[Hub] = SimpleQueue()
    # A thread nobody waits for: looking up a name cannot be interrupted.
    Thread(target=lambda: answers.put(_ask(endpoint, within)), name=THREAD, daemon=True).start()
    deadline = time.monotonic() + within

    def answer() -> Hub:
        try:
            return answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            return Hub(endpoint, failure=f"no answer within {within:g} seconds")

    return answer


def _ask(endpoint: str, within: float) -> Hub:
    import httpx

    started = time.monotonic()
    try:
        reply = httpx.head(endpoint, timeout=within)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Hub(endpoint, failure=str(error) or type(error).__name__)
    refused = reply.is_error and reply.status_code not in _THERE_ALL_THE_SAME
    failure = f"it answers with {reply.status_code}" if refused else ""
    return Hub(endpoint, seconds=time.monotonic() - started, failure=failure)
