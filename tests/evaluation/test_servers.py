"""An evaluation that asks several servers of one model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import psutil
import pytest
from teacher import FaultyTeacher, Question, said, serve

from punie.evaluation.options import EvaluationOptions
from punie.evaluation.outcomes import EvaluationRun, Trial
from punie.evaluation.runner import evaluate
from punie.evaluation.suite import Suite, load_suite
from punie.report.cautions import run_cautions
from punie.report.facts import facts_of
from punie.report.summary import summarize
from punie.serving.endpoint import Endpoint
from punie.serving.server import ManagedServer


def options(suite: Suite, urls: Sequence[str], model: str, output: Path, **more: int) -> EvaluationOptions:
    endpoints = tuple(Endpoint(url, model) for url in urls)
    return EvaluationOptions(model=None, label="theirs", endpoints=endpoints, suites=(suite,), output=output, **more)


def answered(run: EvaluationRun) -> dict[str, int]:
    return {server.base_url: server.answers for server in run.record.servers}


async def test_rows_and_record_say_which_server_answered(tmp_path: Path, suite: Suite) -> None:
    """Every case is asked once; each row names its server, and the page lists them all."""
    with ExitStack() as stack:
        teachers = [stack.enter_context(serve(FaultyTeacher(lambda _: said("Answer: 42")))) for _ in range(2)]
        urls = [teacher.base_url for teacher in teachers]
        run = await evaluate(options(suite, urls, "toy", tmp_path / "run", concurrency=1))
    rows = [json.loads(line) for line in (tmp_path / "run/samples.jsonl").read_text().splitlines()]
    assert len(rows) == 6
    assert {row["answer"]["server"] for row in rows} <= {*urls}
    assert sum(answered(run).values()) == 6
    assert [*answered(run)] == urls
    facts = {fact.label: fact.values[0] for fact in facts_of([run.record], [summarize(run).tally])}
    assert [facts[f"Server {number}"] for number in (1, 2)] == [
        f"{url}: {n} answers" for url, n in answered(run).items()
    ]
    assert not [caution for caution in run_cautions(run) if "the others were asked" in caution.sentence]


async def test_a_server_that_breaks_in_the_middle_is_a_caution(tmp_path: Path, suite: Suite) -> None:
    """Its cases are answered by the other one; the record and the page say so."""

    def breaking(question: Question) -> bytes:
        if question["max_tokens"] == 48:
            raise ConnectionError
        return said("Answer: 42")

    with ExitStack() as stack:
        broken = stack.enter_context(serve(FaultyTeacher(breaking)))
        well = stack.enter_context(serve(FaultyTeacher(lambda _: said("Answer: 42"))))
        run = await evaluate(options(suite, [broken.base_url, well.base_url], "toy", tmp_path / "run"))
    assert answered(run) == {broken.base_url: 0, well.base_url: 6}
    assert run.record.servers[0].lost
    found = [caution.sentence for caution in run_cautions(run) if "the others were asked" in caution.sentence]
    assert len(found) == 1
    assert broken.base_url in found[0]


@pytest.mark.slow
async def test_one_of_two_real_servers_is_killed(tmp_path: Path, tiny_model: Path) -> None:
    """Whatever it was asked is asked of the other; every case has an answer, and both gave some."""
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(ManagedServer(tiny_model, log=tmp_path / f"log{number}"))
            for number in range(2)
        ]

        def kill_first(trial: Trial, done: int, total: int) -> None:
            if done == 20:
                psutil.Process(servers[0].pid).kill()

        urls, whole = [f"{server.base_url}/v1" for server in servers], load_suite("tiny")
        suite = whole.model_copy(update={"cases": whole.of_half("test").cases[:60]})
        asked = options(suite, urls, str(tiny_model), tmp_path / "run", concurrency=2, max_tokens=16)
        run = await evaluate(asked, on_trial=kill_first)
    assert all(trial.answer is not None for trial in run.trials)
    assert all(answered(run).values())
    assert sum(answered(run).values()) == len(run.trials)
    assert [bool(server.lost) for server in run.record.servers] == [True, False]
