"""Scoring a run's checkpoints while it trains: the ordinary evaluation, on the dev half of one suite.

The training waits; its parent starts a server of the model with the adapter as it is, proves that this is what answers,
and asks. Every answer is kept, in `run/scores`: two scores can be compared as any two evaluations can.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

from punie import fingerprint
from punie.data.source import open_source
from punie.degeneration import is_degenerate
from punie.errors import DataError, InterruptedRun, PunieError, UsageError
from punie.evaluation.expectations import CallExpectation
from punie.evaluation.options import EvaluationOptions
from punie.evaluation.outcomes import EvaluationRun, Trial
from punie.evaluation.runner import evaluate
from punie.evaluation.runs import read_run
from punie.evaluation.scorers import choose_code_execution
from punie.evaluation.selfcheck import ensure_sound
from punie.evaluation.stats import wilson
from punie.evaluation.suite import Case, Suite, load_suite
from punie.evaluation.taught import taught_cases
from punie.evaluation.thinking import without_thinking
from punie.training.adapter import AdapterFolder
from punie.training.metrics import Scored, read_metrics
from punie.training.plan import TrainingPlan
from punie.training.resolving import resolve_plan
from punie.training.scores import Score
from punie.workspace import is_embedded

_UNREADABLE = frozenset({"no call", "unparseable", "wrong shape", "truncated"})
"""Failures of an answer that was to be a tool call and cannot be read as one."""


@dataclass(frozen=True, slots=True)
class CheckpointScorer:
    """Asks the candidate in `folder` the cases of `suite`, of its dev half: a `punie.training.scores.Scorer`."""

    model: Path
    folder: AdapterFolder
    suite: Suite
    taught: Mapping[str, str]
    """Cases of either half that the rows teach, by id, each with the rule that says so; none of them is asked."""

    def __call__(self, iteration: int) -> Score:
        began = time.monotonic()
        try:
            run, seconds = self._earlier(iteration) or (self._ask(iteration), time.monotonic() - began)
        except InterruptedRun as error:
            raise KeyboardInterrupt from error
        except PunieError as error:
            seconds = time.monotonic() - began
            return Score(iteration, self.suite.name, self.suite.hash, seconds=seconds, failure=str(error))
        return _counted(iteration, self.suite, run.trials, seconds)

    def _earlier(self, iteration: int) -> tuple[EvaluationRun, float] | None:
        """What a session that was killed behind its score has left of it, if it was of this very adapter."""
        folder = self.folder.scored(iteration)
        if not folder.exists():
            return None
        run = read_run(folder)
        asked = run.record.suites[0].hash, run.record.identity.adapter_hash
        if asked == (self.suite.hash, fingerprint.adapter(self.folder.candidate)):
            return run, run.record.seconds
        shutil.rmtree(folder)
        return None

    def _ask(self, iteration: int) -> EvaluationRun:
        options = EvaluationOptions(
            model=self.model,
            label=str(self.model),
            suites=(self.suite,),
            output=self.folder.scored(iteration),
            adapter=self.folder.candidate,
            half="dev",
        )
        return asyncio.run(evaluate(options))


def checkpoint_scorer(plan: TrainingPlan) -> CheckpointScorer:
    """Ready to score the checkpoints of this plan, which names a suite, when everything about it was found right.

    Raises UsageError where the suite has no dev half, a grader of it is broken, or its cases changed since the run
    began; DataError where the rows teach all its cases; SandboxError where there is code to run and no jail.
    """
    assert plan.score_suite is not None, "somebody wants scores"
    plan, whole = resolve_plan(plan), load_suite(plan.score_suite)
    taught = taught_cases(open_source(Path(plan.data)), whole.cases).cases
    suite = _bounded(_untaught(whole.of_half("dev"), taught, plan.data), plan.score_cases)
    ensure_sound(suite, choose_code_execution(suite.cases, unsafe=False, ours=is_embedded(Path(plan.model))))
    folder = AdapterFolder.of(plan)
    _require_same_cases(folder, suite)
    return CheckpointScorer(Path(plan.model), folder, suite, taught)


def _bounded(suite: Suite, most: int | None) -> Suite:
    """So many cases at most, one of each category after the other. What another model would judge is left out."""
    categories: dict[str, list[Case]] = defaultdict(list)
    for case in suite.cases:
        if case.expect.kind != "judge":
            categories[case.category].append(case)
    if not categories:
        raise UsageError(f"Nothing in {suite.name} can be judged without another model.", hint="Name another suite.")
    in_turn = [case for case in chain(*zip_longest(*categories.values())) if case is not None]
    return suite.model_copy(update={"cases": tuple(in_turn[:most])})


def _untaught(suite: Suite, taught: Mapping[str, str], data: str) -> Suite:
    cases = tuple(case for case in suite.cases if case.id not in taught)
    if not cases:
        raise DataError(
            f"The rows teach every case of {suite.name}, whole or nearly, so its scores would say nothing.",
            where=data,
            hint="Take such rows out with `punie dataset decontaminate`, or name another suite.",
        )
    return suite.model_copy(update={"cases": cases})


def _require_same_cases(folder: AdapterFolder, suite: Suite) -> None:
    told = read_metrics(folder.metrics) if folder.metrics.is_file() else ()
    if any(isinstance(metric, Scored) and metric.score.suite_hash != suite.hash for metric in told):
        raise UsageError(
            f"The cases of {suite.name} have changed since the run began, so its scores cannot be compared.",
            where=str(folder.root),
            hint="Put the suite back as it was, or train into another folder.",
        )


def _counted(iteration: int, suite: Suite, trials: Sequence[Trial], seconds: float) -> Score:
    counted = [trial for trial in trials if trial.counted]
    right = sum(trial.right for trial in counted)
    interval = wilson(right, len(counted))
    answered = [trial for trial in trials if trial.answer is not None]
    written = [readable for trial in answered if (readable := _readable(trial)) is not None]
    return Score(
        iteration=iteration,
        suite=suite.name,
        suite_hash=suite.hash,
        right=right,
        counted=len(counted),
        unscored=len(trials) - len(counted),
        low=interval.low,
        high=interval.high,
        written=len(written),
        parsable=sum(written),
        answers=len(answered),
        degenerate=sum(trial.answer is not None and _says_nothing(trial.answer.text) for trial in answered),
        seconds=seconds,
        failure="" if counted else "no answer could be judged",
    )


def _readable(trial: Trial) -> bool | None:
    """Whether an answer is Python, or a tool call, where it was to be one."""
    match trial.case.expect:
        case CallExpectation(calls=(_, *_)):
            return trial.failure not in _UNREADABLE
        case expect if expect.kind == "code":
            return trial.measurements.get("syntax") == 1.0
        case _:
            return None


def _says_nothing(text: str) -> bool:
    return is_degenerate(without_thinking(text))
