"""An arm: as wide as it was made, and whole again after one death of its server."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest

from punie.errors import IdentityError, ServerError
from punie.serving.arms import Arm, LocalModel, serve_local
from punie.serving.completion import Completion, Messages, RefusedQuestion, Sampling
from punie.serving.identity import Identity
from punie.serving.server import HOST
from punie.serving.width import Tuning


def ask(cue: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": cue}]


def newest_child() -> psutil.Process:
    return max(psutil.Process().children(), key=psutil.Process.create_time)


def begun(log: Path) -> int:
    """How many questions the server has begun to answer, over all its starts."""
    return log.read_text().count("Prompt processing progress: 1/1")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 (what is awaited happens in another process)
            await asyncio.sleep(0.01)


open_arm = partial(serve_local, width=2)
SAMPLING = Sampling(max_tokens=800)


async def answered_over(arm: Arm, log: Path, end: signal.Signals) -> tuple[str, str]:
    """Two answers: one there before the server got a signal, one under way."""
    first = await arm.complete(ask("@call"), (), SAMPLING)
    before = begun(log)
    waiting = asyncio.create_task(arm.complete(ask("@endless"), (), SAMPLING))
    await until(lambda: begun(log) > before)
    os.kill(newest_child().pid, end)
    return first.text, (await waiting).text


async def poison(server: psutil.Process, model: Path) -> None:
    command = server.cmdline()
    port = command[command.index("--port") + 1]
    question = {"model": str(model), "messages": ask("@plain"), "logit_bias": {str(2**80): 1.0}}
    async with httpx.AsyncClient(trust_env=False) as client:
        with suppress(httpx.HTTPError):
            await client.post(f"http://{HOST}:{port}/v1/chat/completions", json=question, timeout=30)


async def test_a_killed_server_is_started_again_and_proven_again(scripted_model: Path, tmp_path: Path) -> None:
    """The question under way is put again and answered whole; the reason is on record. A second death is the end."""
    log = tmp_path / "log"
    async with open_arm(LocalModel(scripted_model), log=log) as arm:
        first, after = await answered_over(arm, log, signal.SIGKILL)
        assert first.startswith("<tool_call>")
        assert after == "la" * 800
        assert "ended with code -9" in arm.restarts[0]
        os.kill(newest_child().pid, signal.SIGKILL)
        with pytest.raises(ServerError, match="ended with code -9"):
            await arm.complete(ask("@plain"), (), SAMPLING)
    assert len(arm.restarts) == 1


@pytest.mark.slow
async def test_a_server_without_its_worker_is_started_again(scripted_model: Path, tmp_path: Path) -> None:
    """A token's number that no array can hold ends mlx_lm's generation thread: the process lives on and answers 503."""
    log = tmp_path / "log"
    async with open_arm(LocalModel(scripted_model), log=log) as arm:
        before = begun(log)
        waiting = asyncio.create_task(arm.complete(ask("@endless"), (), SAMPLING))
        await until(lambda: begun(log) > before)
        await poison(newest_child(), scripted_model)
        assert (await waiting).text == "la" * 800
    assert "generation thread" in arm.restarts[0]


async def test_a_hung_server_is_ended_and_started_again(scripted_model: Path, tmp_path: Path) -> None:
    """A stopped process keeps its connections and says nothing: no client can tell, its idle processor can."""
    log = tmp_path / "log"
    async with open_arm(LocalModel(scripted_model), log=log, patience=1.0) as arm:
        _, after = await answered_over(arm, log, signal.SIGSTOP)
        assert after == "la" * 800
    assert "hung" in arm.restarts[0]


@pytest.mark.slow
async def test_a_slow_answer_is_no_hang(scripted_model: Path, tmp_path: Path) -> None:
    """A server that works is left alone, however long it takes beside the patience of its keeper."""
    async with open_arm(LocalModel(scripted_model), log=tmp_path / "log", patience=0.5) as arm:
        completion = await arm.complete(ask("@endless"), (), Sampling(max_tokens=4000))
    assert completion.seconds > 1
    assert arm.restarts == ()


class Crowd:
    """Answers only once `width` questions are waiting together: fewer would hang, more are noticed."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._waiting = 0
        self._full = asyncio.Event()

    async def complete(self, messages: Messages, tools: Messages, sampling: Sampling) -> Completion:
        self._waiting += 1
        if self._waiting == self._width:
            self._full.set()
        await self._full.wait()
        assert self._waiting <= self._width
        self._waiting -= 1
        return Completion("", "stop", 1, 1, 0.0)


@pytest.mark.parametrize("width", [1, 3])
async def test_no_more_than_width_questions_are_under_way(width: int) -> None:
    """The rest wait for their turn."""
    identity = Identity.model_construct()
    arm = Arm(Crowd(width), identity, Tuning(width=width, rates={}))
    async with asyncio.timeout(20):
        answers = await asyncio.gather(*(arm.complete(ask("hi"), (), SAMPLING) for _ in range(width * 2)))
    assert len(answers) == width * 2


@pytest.mark.slow
async def test_a_model_changed_behind_a_restart_is_refused(scripted_model: Path, tmp_path: Path) -> None:
    """The answers of two models never stand in one run."""
    model = Path(shutil.copytree(scripted_model, tmp_path / "model"))
    async with open_arm(LocalModel(model), log=tmp_path / "log") as arm:
        with (model / "tokenizer.json").open("a") as file:
            file.write(" ")
        os.kill(newest_child().pid, signal.SIGKILL)
        with pytest.raises(IdentityError, match="other answers"):
            await arm.complete(ask("@plain"), (), SAMPLING)


async def test_a_refused_question_leaves_the_server_alone(scripted_model: Path, tmp_path: Path) -> None:
    """The template takes no such message; the next question is answered as before."""
    async with open_arm(LocalModel(scripted_model), log=tmp_path / "log") as arm:
        with pytest.raises(RefusedQuestion):
            await arm.complete([{"role": "user", "content": [{"type": "nothing"}]}], (), SAMPLING)
        assert (await arm.complete(ask("@plain"), (), SAMPLING)).text == "Certainly."
    assert arm.restarts == ()
