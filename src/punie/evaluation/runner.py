"""An evaluation from end to end: check the suite, start the server, prove what answers, ask, judge, keep."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial as bind
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from punie import __version__
from punie.errors import InterruptedRun, ServerError, UsageError
from punie.evaluation.outcomes import Answer, EvaluationRun, Outcome, RunRecord, SelfCheck, Trial
from punie.evaluation.runs import PartialRun, refuse_existing
from punie.evaluation.scorers import CodeExecution, choose_code_execution, judge
from punie.evaluation.selfcheck import check_suite
from punie.evaluation.suite import Case, Suite, load_suite
from punie.serving.client import Client, Completion, DroppedReply, Sampling, TokenDecoder
from punie.serving.identity import Identity, prove_identity
from punie.serving.server import ManagedServer
from punie.training.adapter import read_adapter
from punie.workspace import is_embedded

OnTrial = Callable[[Trial, int, int], None]
"""A trial, how many are done, how many there are."""
OnStage = Callable[[str], None]


class Asker(Protocol):
    """Whatever answers a conversation. Raises DroppedReply where an answer got lost, ServerError when it is broken."""

    async def complete(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] = ()
    ) -> Completion: ...


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """What to ask of which model, and where to keep it."""

    model: Path
    label: str
    """The model's name as the user gave it; the record carries it instead of the path."""
    suite: Suite | str
    output: Path
    adapter: Path | None = None
    concurrency: int = 16
    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int | None = None
    """None takes the suite's."""
    unsafe_no_sandbox: bool = False
    """Whether code the model wrote is run in a child without a jail."""
    allow_noop_adapter: bool = False
    port: int | None = None

    def __post_init__(self) -> None:
        if self.temperature == 0 and self.top_p != 1:
            raise UsageError("top-p does nothing at temperature 0.", hint="Give a temperature, or leave top-p out.")


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
    suite = options.suite if isinstance(options.suite, Suite) else load_suite(options.suite)
    enter_stage("checking the suite")
    execution = await asyncio.to_thread(_choose_code_execution, options, suite)
    self_check = await asyncio.to_thread(check_suite, suite, execution)
    with PartialRun(options.output) as partial:
        identity = await _serve_and_ask(options, suite, execution, partial, on_trial, enter_stage)
        record = _record(options, suite, execution, partial, identity, self_check)
        return partial.finish(record, [case.id for case in suite.cases])


def _choose_code_execution(options: EvaluationOptions, suite: Suite) -> CodeExecution:
    return choose_code_execution(suite.cases, unsafe=options.unsafe_no_sandbox, ours=is_embedded(options.model))


async def _serve_and_ask(
    options: EvaluationOptions,
    suite: Suite,
    execution: CodeExecution,
    partial: PartialRun,
    on_trial: OnTrial | None,
    enter_stage: OnStage,
) -> Identity:
    enter_stage("starting the model server")
    async with ManagedServer(options.model, log=partial.log, port=options.port or 0) as server:
        client = bind(
            Client,
            server.base_url,
            options.model,
            decode=TokenDecoder(options.model),
            sampling=_sampling(options, suite),
            width=options.concurrency,
        )
        arm = nullcontext(None) if options.adapter is None else client(options.adapter.resolve())
        async with client() as base, arm as adapted:
            enter_stage("proving what answers")
            identity = await prove_identity(base, adapted, allow_noop=options.allow_noop_adapter)
            partial.resume(_conditions(options, suite, execution, identity))
            enter_stage("asking")
            try:
                await _ask_missing(adapted or base, suite, execution, partial, on_trial)
            except ServerError as error:
                raise _resumable(await server.lost() or error, _kept(partial, suite)) from error
    return identity


async def _ask_missing(
    asker: Asker, suite: Suite, code_execution: CodeExecution, partial: PartialRun, on_trial: OnTrial | None
) -> None:
    def keep(trial: Trial) -> None:
        partial.add(trial)
        if on_trial is not None:
            on_trial(trial, len(partial.trials), len(suite.cases))

    missing = [case for case in suite.cases if case.id not in partial.trials]
    await ask_cases(asker, missing, code_execution, keep)


async def ask_cases(
    asker: Asker, cases: Sequence[Case], code_execution: CodeExecution, keep: Callable[[Trial], None]
) -> None:
    """Ask all cases at once and hand over each trial as it is judged; how many are under way is the asker's to limit.

    Judging happens in threads, as many at a time as there are processors. Raises the first ServerError; what was
    answered before it has been kept.
    """
    judges = asyncio.Semaphore(os.cpu_count() or 1)

    async def settle(case: Case) -> None:
        keep(await _trial(asker, case, code_execution, judges))

    try:
        async with asyncio.TaskGroup() as group:
            for case in cases:
                group.create_task(settle(case))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures


async def _trial(asker: Asker, case: Case, code_execution: CodeExecution, judges: asyncio.Semaphore) -> Trial:
    try:
        completion = await asker.complete(case.messages, case.tools)
    except DroppedReply as error:
        return Trial(
            case=case, answer=None, outcome=Outcome.FAILED, value=None, reason=error.what, failure="dropped reply"
        )
    answer = Answer(**asdict(completion))
    async with judges:
        return await asyncio.to_thread(judge, case, answer, code_execution)


def _sampling(options: EvaluationOptions, suite: Suite) -> Sampling:
    return Sampling(options.temperature, options.top_p, options.max_tokens or suite.max_tokens)


def _conditions(
    options: EvaluationOptions, suite: Suite, execution: CodeExecution, identity: Identity
) -> dict[str, Any]:
    """What must be equal for the answers of two starts to stand in one run."""
    files = ("model_hash", "adapter_hash", "tokenizer_hash", "template_hash")
    return {
        "suite_hash": suite.hash,
        **{name: getattr(identity, name) for name in files},
        **asdict(_sampling(options, suite)),
        "code_execution": execution,
    }


def _record(
    options: EvaluationOptions,
    suite: Suite,
    execution: CodeExecution,
    partial: PartialRun,
    identity: Identity,
    self_check: SelfCheck,
) -> RunRecord:
    return RunRecord(
        name=options.output.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        suite=suite.name,
        suite_hash=suite.hash,
        cases=len(suite.cases),
        self_check=self_check,
        identity=identity.model_copy(update={"model": options.label, "adapter": _as_given(options.adapter)}),
        **asdict(_sampling(options, suite)),
        concurrency=options.concurrency,
        code_execution=execution,
        seconds=partial.seconds,
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


def _kept(partial: PartialRun, suite: Suite) -> str:
    return f"{len(partial.trials)} of {len(suite.cases)} answers are kept"


def _resumable(error: ServerError, kept: str) -> ServerError:
    return type(error)(f"{error.what} {kept}; the same command goes on.", where=error.where, hint=error.hint)
