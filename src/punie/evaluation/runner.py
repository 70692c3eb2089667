"""An evaluation from end to end: check the suite, start the server, prove what answers, ask, judge, keep."""

from __future__ import annotations

import asyncio
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from punie import __version__
from punie.errors import CapacityError, InterruptedRun, PunieError, ServerError
from punie.evaluation.asking import Examiner
from punie.evaluation.cache import AnswerCache
from punie.evaluation.exam import Exam, check_suites, choose_suites, half_of
from punie.evaluation.measurements import count_servers, measure, peak_memory
from punie.evaluation.options import EvaluationOptions
from punie.evaluation.outcomes import (
    AskedSuite,
    DrawnSuite,
    EvaluationRun,
    Measurements,
    RunRecord,
    Trial,
)
from punie.evaluation.rubric import ask_judge, judge_name
from punie.evaluation.runs import PartialRun, refuse_existing
from punie.moments import now
from punie.serving.arms import Arm, LocalModel, ask_endpoints, serve_local
from punie.serving.completion import Sampling
from punie.serving.drawn import Drawn, require_drawn
from punie.serving.identity import Identity
from punie.training.adapter import read_adapter

OnTrial = Callable[[Trial, int, int], None]
"""A trial, how many are done, how many there are."""
OnStage = Callable[[str], None]


async def evaluate(
    options: EvaluationOptions, *, on_trial: OnTrial | None = None, on_stage: OnStage | None = None
) -> EvaluationRun:
    """Ask every case of the suite once, and return the finished run that now lies in `options.output`.

    The same call goes on where an interrupted one stopped. Raises UsageError for a broken suite or an output in use,
    SandboxError where code could not be jailed, ServerError or IdentityError when the server is not what it should be,
    InterruptedRun when cancelled; all but the first two keep the answers there are.
    """
    try:
        return await _evaluate(options, on_trial, on_stage or (lambda _: None))
    except asyncio.CancelledError as error:
        raise InterruptedRun(
            "Stopped; the answers so far are kept.", where=str(options.output), hint="The same command goes on."
        ) from error


async def _evaluate(options: EvaluationOptions, on_trial: OnTrial | None, enter_stage: OnStage) -> EvaluationRun:
    refuse_existing(options.output)
    if options.adapter is not None:
        read_adapter(options.adapter)
    suites = choose_suites(options)
    enter_stage("checking the suite")
    exam = await asyncio.to_thread(check_suites, options, suites)
    with PartialRun(options.output) as partial:
        asked = await _serve_and_ask(options, exam, partial, on_trial, enter_stage)
        return partial.finish(_record(options, exam, partial, *asked), exam.order)


async def _serve_and_ask(
    options: EvaluationOptions, exam: Exam, partial: PartialRun, on_trial: OnTrial | None, enter_stage: OnStage
) -> tuple[Arm, Measurements, tuple[DrawnSuite, ...]]:
    enter_stage("finding out what answers")
    async with _arm(options, partial.log) as arm:
        partial.resume(_conditions(options, exam, arm.identity), len(exam.order))
        enter_stage("asking")
        began = time.monotonic()
        try:
            answers = await _ask_missing(options, exam, arm, partial, on_trial)
        except (ServerError, CapacityError) as error:
            raise _resumable(error, partial, exam) from error
        seconds = time.monotonic() - began
        drawn = tuple(_drawn(options, exam, answers, arm.drawn(), partial.folder))
        return arm, measure(partial.trials.values(), partial.fresh, seconds, peak_memory(arm.pid)), drawn


def _arm(options: EvaluationOptions, log: Path) -> AbstractAsyncContextManager[Arm]:
    if options.endpoints:
        return ask_endpoints(options.endpoints, width=options.concurrency)
    assert options.model is not None, "options without endpoints have a model"
    adapter = options.adapter.resolve() if options.adapter else None
    local = LocalModel(options.model, adapter, options.allow_noop_adapter, options.port or 0)
    return serve_local(local, width=options.concurrency, log=log)


async def _ask_missing(
    options: EvaluationOptions, exam: Exam, arm: Arm, partial: PartialRun, on_trial: OnTrial | None
) -> list[int]:
    """Suite after suite, since each has its own limit of tokens. Returns how many answers each one took to be drawn."""
    answers = list[int]()

    def report(trial: Trial) -> None:
        if on_trial is not None:
            on_trial(trial, len(partial.trials), len(exam.order))

    async with ask_judge(options.judge) as judge:
        for suite in exam.suites:
            sampling = options.sampling(suite)
            cached = options.cached and arm.identity.proven
            with AnswerCache(_cache_conditions(arm, sampling)) if cached else nullcontext() as known:
                examiner = Examiner(arm.sampled(sampling), partial, exam.execution, known, judge, report)
                await examiner.ask(found for found in exam.questions(suite) if found.key not in partial.trials)
            answers.append(sum(answer.cached is None for answer in partial.fresh) - sum(answers))
    return answers


def _drawn(
    options: EvaluationOptions, exam: Exam, answers: Sequence[int], drawn: Drawn | None, folder: Path
) -> Iterator[DrawnSuite]:
    """What the server noted of each suite's answers. Raises IdentityError where it drew them otherwise."""
    if drawn is None:
        return
    for suite, count in zip(exam.suites, answers, strict=True):
        if count:
            sampling = options.sampling(suite)
            require_drawn(sampling, count, drawn, folder)
            yield DrawnSuite(suite=suite.name, answers=count, **asdict(sampling))


def _conditions(options: EvaluationOptions, exam: Exam, identity: Identity) -> dict[str, Any]:
    """What must be equal for the answers of two starts to stand in one run."""
    return {
        "suites": [[suite.name, suite.hash, options.sampling(suite).max_tokens] for suite in exam.suites],
        "samples": options.samples,
        **_files(identity),
        "temperature": options.temperature,
        "top_p": options.top_p,
        "top_k": options.top_k,
        "min_p": options.min_p,
        "repetition_penalty": options.repetition_penalty,
        "code execution": exam.execution,
        "judge": judge_name(options.judge),
    }


def _cache_conditions(arm: Arm, sampling: Sampling) -> dict[str, Any]:
    """What an answer depends on beside the question. How many are asked at once changes how the server rounds."""
    return {**_files(arm.identity), **sampling.request(), "concurrency": arm.width, "versions": _versions()}


def _files(identity: Identity) -> dict[str, Any]:
    names = ("model_hash", "adapter_hash", "tokenizer_hash", "template_hash")
    return {name.replace("_", " "): getattr(identity, name) for name in names}


def _record(
    options: EvaluationOptions,
    exam: Exam,
    partial: PartialRun,
    arm: Arm,
    measurements: Measurements,
    drawn: tuple[DrawnSuite, ...],
) -> RunRecord:
    return RunRecord(
        name=options.output.name,
        created=now(),
        suites=tuple(
            AskedSuite(
                name=suite.name,
                hash=suite.hash,
                cases=len(suite.cases),
                half=half_of(suite),
                max_tokens=options.sampling(suite).max_tokens,
                self_check=check,
                published=suite.published,
            )
            for suite, check in zip(exam.suites, exam.self_checks, strict=True)
        ),
        samples=options.samples,
        identity=arm.identity.model_copy(update={"model": options.label, "adapter": _as_given(options.adapter)}),
        temperature=options.temperature,
        top_p=options.top_p,
        top_k=options.top_k,
        min_p=options.min_p,
        repetition_penalty=options.repetition_penalty,
        drawn=drawn,
        concurrency=arm.width,
        concurrency_rates=arm.rates,
        judge=judge_name(options.judge),
        restarts=arm.restarts,
        servers=tuple(count_servers(arm.servers, partial.trials.values())),
        code_execution=exam.execution,
        seconds=partial.seconds,
        measurements=measurements,
        versions=_versions(),
    )


def _as_given(path: Path | None) -> str | None:
    """A record names things as the user did; what they are, the hashes say."""
    return None if path is None else str(path)


def _versions() -> dict[str, str]:
    return {
        "punie": __version__,
        "python": platform.python_version(),
        "mlx": version("mlx"),
        "mlx-lm": version("mlx-lm"),
        "platform": platform.platform(),
    }


def _resumable(error: PunieError, partial: PartialRun, exam: Exam) -> PunieError:
    kept = f"{len(partial.trials)} of {len(exam.order)} answers are kept"
    return type(error)(f"{error.what} {kept}; the same command goes on.", where=error.where, hint=error.hint)
