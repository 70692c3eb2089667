from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
from processes import children_of

from punie.errors import InterruptedRun, ServerError, UsageError
from punie.evaluation.asking import Examiner, Question
from punie.evaluation.expectations import NumberExpectation
from punie.evaluation.options import EvaluationOptions
from punie.evaluation.outcomes import Outcome, Trial
from punie.evaluation.runner import evaluate
from punie.evaluation.runs import PartialRun, read_run, rescore
from punie.evaluation.suite import Suite
from punie.report.cautions import run_cautions
from punie.serving.completion import Completion, DroppedReply, RefusedQuestion
from punie.serving.endpoint import Endpoint
from punie.serving.server import ManagedServer


class Toy:
    """Answers from a table by the question's text, a question mark by a wrong number; raises what is no text."""

    def __init__(self, answers: Mapping[str, str | Exception]) -> None:
        self.answers = answers

    async def complete(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] = ()
    ) -> Completion:
        answer = self.answers.get(messages[0]["content"], "?")
        if isinstance(answer, Exception):
            raise answer
        return Completion(answer, "stop", prompt_tokens=1, completion_tokens=1, seconds=0.0)


async def ask(folder: Path, suite: Suite, answers: Mapping[str, str | Exception]) -> dict[str, Trial]:
    with PartialRun(folder / "run") as partial:
        partial.resume({})
        await Examiner(Toy(answers), partial, "jail").ask(Question(suite.name, case) for case in suite.cases)
        return {trial.case.id: trial for trial in partial.trials.values()}


async def test_every_case_is_asked_once_and_judged(tmp_path: Path, suite: Suite) -> None:
    """Reference answers are all right; the answer lies in the trial as it came."""
    references = {str(case.messages[0]["content"]): case.expect.reference() for case in suite.cases}
    trials = await ask(tmp_path, suite, references)
    assert sorted(trials) == sorted(case.id for case in suite.cases)
    assert all(trial.right for trial in trials.values())
    assert trials["sum"].answer is not None
    assert trials["sum"].answer.text == "Answer: 42"


async def test_a_dropped_reply_is_a_failed_trial(tmp_path: Path, suite: Suite) -> None:
    """An answer the server could not deliver counts as not right, with its reason, and is no wrong answer either."""
    trials = await ask(tmp_path, suite, {"Read notes.txt.": DroppedReply("dropped it")})
    assert (trials["read"].outcome, trials["read"].reason) == (Outcome.FAILED, "dropped it")
    assert trials["sum"].outcome is Outcome.SCORED


async def test_a_refused_question_has_no_verdict(tmp_path: Path, suite: Suite) -> None:
    """The server would not take it: that says nothing about the model, so it leaves the denominator."""
    trials = await ask(tmp_path, suite, {"Read notes.txt.": RefusedQuestion("too long")})
    assert (trials["read"].outcome, trials["read"].reason) == (Outcome.UNSCORED, "too long")


async def test_a_broken_server_ends_the_asking(tmp_path: Path, suite: Suite) -> None:
    """What was not answered gets no verdict: the error comes through as it was raised."""
    with pytest.raises(ServerError, match="gone"):
        await ask(tmp_path, suite, {"What is 12 + 30?": ServerError("gone")})


async def test_an_evaluation_from_end_to_end(tmp_path: Path, tiny_model: Path, suite_file: Path) -> None:
    """A real server answers; stopped after two cases, the same call asks the other four, and the folder proves it."""
    options = EvaluationOptions(
        model=tiny_model,
        label="tiny",
        suites=(str(suite_file),),
        output=tmp_path / "reports" / "base",
        concurrency=2,
    )
    seen: list[tuple[str, int, int]] = []
    stages: list[str] = []

    def stop_after_two(trial: Trial, done: int, total: int) -> None:
        seen.append((trial.case.id, done, total))
        if done == 2:
            running.cancel()

    running = asyncio.create_task(evaluate(options, on_trial=stop_after_two))
    with pytest.raises(InterruptedRun):
        await running
    assert not options.output.exists()
    early = len(seen)
    assert 2 <= early < 6

    run = await evaluate(
        options, on_trial=lambda *progress: seen.append((progress[0].case.id, *progress[1:])), on_stage=stages.append
    )
    assert [done for _, done, _ in seen] == [1, 2, 3, 4, 5, 6]
    assert len({case for case, _, _ in seen}) == 6
    assert [trial.case.id for trial in run.trials] == ["read", "both", "add", "halve", "sum", "million"]
    assert all(trial.answer is not None and trial.answer.completion_tokens <= 48 for trial in run.trials)
    asked = run.record.suites[0]
    assert (run.record.identity.model, asked.max_tokens, asked.self_check.references) == ("tiny", 48, 6)
    assert run.record.measurements.asked == 6
    (drawn,) = run.record.drawn
    assert (drawn.suite, drawn.temperature, drawn.max_tokens) == (asked.name, 0.0, 48)
    assert 0 < drawn.answers <= 6 - early
    assert (run.record.measurements.server_peak_memory or 0) > 10_000_000
    assert len(run.record.identity.base_probes) == 3
    assert len(stages) == 3

    assert read_run(options.output) == run
    assert rescore(run).differences == ()
    assert json.loads((options.output / "run.json").read_text())["versions"]["mlx-lm"]
    assert not (tmp_path / "reports" / ".base.partial").exists()
    with pytest.raises(UsageError, match="exists already"):
        await evaluate(options)


async def test_a_broken_suite_stops_before_any_server(tmp_path: Path, tiny_model: Path, suite: Suite) -> None:
    """The grader is checked first, and leaves no trace when it is broken."""
    without_answer = suite.cases[-1].model_copy(update={"expect": NumberExpectation(value=float("inf"))})
    broken = suite.model_copy(update={"cases": (*suite.cases, without_answer)})
    options = EvaluationOptions(model=tiny_model, label="tiny", suites=(broken,), output=tmp_path / "run")
    stages: list[str] = []
    with pytest.raises(UsageError):
        await evaluate(options, on_stage=stages.append)
    assert stages == ["checking the suite"]
    assert not os.listdir(tmp_path)


def server_of(model: Path) -> psutil.Process:
    return next(children_of(str(model)))


@pytest.mark.slow
async def test_a_run_goes_on_over_a_killed_server(tmp_path: Path, tiny_model: Path, suite: Suite) -> None:
    """Every case has one answer and one judgement, and the record says that the server was started again."""
    options = EvaluationOptions(
        model=tiny_model, label="tiny", suites=(suite,), output=tmp_path / "run", concurrency=2, max_tokens=8
    )
    seen: list[str] = []

    def kill_server(stage: str) -> None:
        if stage == "asking":
            server_of(tiny_model).kill()

    run = await evaluate(options, on_trial=lambda trial, *_: seen.append(trial.case.id), on_stage=kill_server)
    assert sorted(seen) == sorted(case.id for case in suite.cases)
    assert all(trial.answer is not None for trial in run.trials)
    assert run.record.restarts == ("The model server ended with code -9.",)


async def test_a_server_that_dies_makes_no_zeros(tmp_path: Path, tiny_model: Path, suite: Suite) -> None:
    """It may die once. What it answered is kept, the rest has no verdict, and the error says how to go on."""
    options = EvaluationOptions(
        model=tiny_model, label="tiny", suites=(suite,), output=tmp_path / "run", concurrency=1, max_tokens=8
    )
    seen: list[Trial] = []

    def kill_server(trial: Trial, done: int, total: int) -> None:
        seen.append(trial)
        for server in children_of(str(tiny_model)):  # none, where another answer had come before the first death
            server.kill()

    with pytest.raises(ServerError, match="of 6 answers are kept; the same command goes on"):
        await evaluate(options, on_trial=kill_server)
    lines = (tmp_path / ".run.partial" / "samples.jsonl").read_text().splitlines()
    assert 1 <= len(lines) == len(seen) < 6
    assert not options.output.exists()


async def test_an_endpoint_is_evaluated_and_marked_as_not_proven(
    tmp_path: Path, tiny_model: Path, suite: Suite
) -> None:
    """Nothing is started; the record names address and model, and its page says what that is worth."""
    async with ManagedServer(tiny_model, log=tmp_path / "log") as server:
        options = EvaluationOptions(
            model=None,
            label="theirs",
            endpoints=(Endpoint(f"{server.base_url}/v1", str(tiny_model), key="sk-secret"),),
            suites=(suite,),
            output=tmp_path / "run",
            max_tokens=8,
            use_cache=True,
        )
        run = await evaluate(options)
    assert len(run.trials) == 6
    assert not run.record.identity.proven
    assert any("is not proven" in caution.sentence for caution in run_cautions(run))
    assert "sk-secret" not in "".join(path.read_text() for path in (tmp_path / "run").iterdir())
    assert run.record.measurements.server_peak_memory is None
