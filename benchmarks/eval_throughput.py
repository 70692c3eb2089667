"""How fast is an evaluation's asking, beside one question after another, a bare driver and inspect_ai?

    .venv/bin/python benchmarks/eval_throughput.py --inspect OTHER_ENV/bin/python --questions 96

One `mlx_lm server` with the embedded model, the same questions in the same order, greedy, the same longest answer. The
bare driver is httpx and a semaphore: what the server gives when nothing is recovered, judged or kept. inspect_ai runs
in an environment of its own, which --inspect names, and is left out without one. Each way is taken `--rounds` times in
turn, and its best wall time counts: that of asking, as each program sees it. CPU seconds are the asking process's own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx

from punie.evaluation.asking import Examiner, Question
from punie.evaluation.runs import PartialRun
from punie.evaluation.suite import Suite, load_suite
from punie.serving.arms import Arm
from punie.serving.client import Client
from punie.serving.completion import Sampling
from punie.serving.decoder import TokenDecoder
from punie.serving.identity import prove_identity
from punie.serving.server import ManagedServer
from punie.serving.width import Tuning, measure_width
from punie.workspace import embedded_model

_INSPECT = Path(__file__).with_name("inspect_arm.py")

Way = Callable[[], Awaitable[dict[str, float]]]


async def drive_bare(server: ManagedServer, suite: Suite, width: int) -> dict[str, float]:
    """POST every question, `width` at once, a moment apart: mlx_lm's accept queue holds five."""
    room, door = asyncio.Semaphore(width), asyncio.Lock()
    limits = httpx.Limits(max_connections=width, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=server.base_url, timeout=None, limits=limits, trust_env=False) as http:

        async def ask(question: dict[str, Any]) -> int:
            async with room:
                async with door:
                    await asyncio.sleep(0.005)
                reply = await http.post("/v1/chat/completions", json=question)
            return reply.json()["usage"]["completion_tokens"]

        return await timed(asyncio.gather(*map(ask, requests(server, suite))))


def plain_questions(suite: Suite, count: int) -> Suite:
    """Cases without tools, spread over the suite: every program puts such a question alike."""
    plain = [case for case in suite.cases if not case.tools]
    return suite.model_copy(update={"cases": tuple(plain[:: max(1, len(plain) // count)][:count])})


def requests(server: ManagedServer, suite: Suite) -> list[dict[str, Any]]:
    settings = {"model": str(server.model), "max_tokens": suite.max_tokens, "temperature": 0.0}
    return [settings | {"messages": case.messages} for case in suite.cases]


async def ask_with_punie(arm: Arm, suite: Suite) -> dict[str, float]:
    """What `punie eval` does between the proof and the record: ask, recover the text, judge, keep."""
    with tempfile.TemporaryDirectory() as folder, PartialRun(Path(folder) / "run") as partial:
        partial.resume({})
        examiner = Examiner(arm.sampled(Sampling(max_tokens=suite.max_tokens)), partial, "jail")
        asked = examiner.ask(Question(suite.name, case) for case in suite.cases)
        measured = await timed(asked)
        tokens = sum(answer.completion_tokens for trial in partial.trials.values() for answer in trial.answers)
    return measured | {"tokens": tokens}


async def ask_with_inspect(python: Path, server: ManagedServer, suite: Suite, width: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        questions = Path(folder) / "questions.json"
        questions.write_text(json.dumps(requests(server, suite)))
        command = [str(python), str(_INSPECT), server.base_url, str(questions), str(width), folder]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


async def timed(asking: Awaitable[Any]) -> dict[str, float]:
    cpu, began = cpu_seconds(), time.perf_counter()
    answers = await asking
    wall = time.perf_counter() - began
    return {"wall": wall, "cpu": cpu_seconds() - cpu, "tokens": sum(answers or ())}


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    model = embedded_model().resolve()
    suite = plain_questions(load_suite(options.suite), options.questions)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = await stack.enter_async_context(ManagedServer(model, log=folder / "log"))
        client = await stack.enter_async_context(Client(server.base_url, model, decode=TokenDecoder(model)))
        identity = await prove_identity(client)
        tuning = await measure_width(client)
        width = options.width or tuning.width
        arm = Arm(client, identity, Tuning(width=width, rates={}))
        ways: dict[str, Way] = {
            "one after another": lambda: drive_bare(server, suite, 1),
            "bare driver": lambda: drive_bare(server, suite, width),
            "punie": lambda: ask_with_punie(arm, suite),
        }
        if options.inspect:
            ways["inspect_ai"] = lambda: ask_with_inspect(options.inspect, server, suite, width)
        rounds = [{name: await way() for name, way in ways.items()} for _ in range(options.rounds)]
    best = {name: min((found[name] for found in rounds), key=lambda one: one["wall"]) for name in ways}
    return {"questions": len(suite.cases), "width": width, "tuned": tuning.model_dump(), "best": best, "all": rounds}


def show(found: dict[str, Any]) -> None:
    print(f"{found['questions']} questions, width {found['width']}")
    bare = found["best"]["bare driver"]["wall"]
    for name, one in found["best"].items():
        speed = one["tokens"] / one["wall"]
        print(
            f"{name:18} {one['wall']:7.2f} s {one['cpu']:6.2f} CPU s {speed:8.0f} tokens/s {one['wall'] / bare:5.2f} x"
        )
    print(json.dumps(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inspect", type=Path, help="the Python of an environment with inspect_ai and openai")
    parser.add_argument("--suite", default="tiny")
    parser.add_argument("--questions", type=int, default=96)
    parser.add_argument("--width", type=int, help="questions at once; measured where it is not given")
    parser.add_argument("--rounds", type=int, default=3)
    show(asyncio.run(measure(parser.parse_args())))


if __name__ == "__main__":
    sys.exit(main())
