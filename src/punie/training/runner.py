"""Training as the rest of Punie sees it: a plan goes in, a finished adapter or one clear error comes out.

The child trains and writes into `run/unfinished`; the parent holds what comes back against the plan, and only then
gives the files their final names. So an adapter that can be read was trained as its plan says.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from subprocess import TimeoutExpired

from punie.errors import CapacityError, DataError, InterruptedRun, TrainingError, UsageError
from punie.files import write_json, write_text
from punie.process import Child
from punie.training.adapter import AdapterFolder, read_adapter
from punie.training.claim import claimed, clear_half_written, leave_no_trace, require_unused
from punie.training.disk import bytes_needed, require_space
from punie.training.echo import require_echo, require_processes, require_rate
from punie.training.hosts.last_words import first_fallen
from punie.training.hosts.preflight import Meeting, launch
from punie.training.measuring import measure
from punie.training.metrics import (
    DECODER,
    Doing,
    Done,
    Echo,
    Failed,
    Metric,
    Scored,
    ScoreDue,
    Stopped,
    TrainLoss,
    follow,
    read_metrics,
    rewrite_metrics,
)
from punie.training.outcome import TrainingOutcome, read_outcome, summarize
from punie.training.plan import TrainingPlan
from punie.training.progress import Progress, read_progress
from punie.training.resolving import require_same_plan, resolve_plan
from punie.training.scores import Scorer
from punie.training.selection import Selector

_PATIENCE_SECONDS = 300.0
"""How long a step may take to end after a request to stop; a second Ctrl-C does not wait."""

_FULL_BYTES = 1_000_000
"""Less than this left after a child broke: it could not even write why."""


def train(
    plan: TrainingPlan,
    *,
    resume: bool = False,
    on_metric: Callable[[Metric], None] | None = None,
    scorer: Scorer | None = None,
    meeting: Meeting | None = None,
) -> TrainingOutcome:
    """Train an adapter, or go on with one whose training was interrupted; of a finished one, measure what is not.

    `scorer` asks a checkpoint the plan's `score_suite`, which nobody else here can. The hosts of a `meeting` train
    together: the same steps, each a share of their rows.
    Raises UsageError, DataError or CapacityError before anything heavy is started, TrainingError when the child
    breaks, PlanMismatchError when it trains something else, DivergedError, and InterruptedRun on Ctrl-C.
    """
    plan = resolve_plan(plan)
    folder = AdapterFolder.of(plan)
    if plan.score_suite is not None and scorer is None:
        raise UsageError("Checkpoints are scored by `punie train` only.", where="key score_suite")
    if resume:
        require_same_plan(plan, folder)
        if folder.outcome.is_file():
            with claimed(folder):
                measure(plan, on_metric)
            return read_outcome(folder.root)
    else:
        require_unused(folder)
    require_space(folder.root, bytes_needed(plan))
    with claimed(folder):
        clear_half_written(folder)
        try:
            outcome = _publish(
                plan, folder, _trained(folder) or _train(plan, folder, on_metric or _unheard, scorer, meeting)
            )
        except (UsageError, DataError, CapacityError):
            if not resume and not folder.state.is_file():
                leave_no_trace(folder)
            raise
        except KeyboardInterrupt:
            raise _interrupted(folder) from None
        measure(plan, on_metric)
        return outcome


def _forget_what_will_be_repeated(folder: AdapterFolder) -> None:
    """Keep the metrics up to the saved state; what came after it will happen again."""
    if not folder.state.is_file():
        rewrite_metrics(folder.metrics, ())
        return
    reached = read_progress(folder.state)
    kept = [metric for metric in read_metrics(folder.metrics) if _happened_by(metric, reached)]
    rewrite_metrics(folder.metrics, kept)


def _happened_by(metric: Metric, reached: Progress) -> bool:
    match metric:
        case Stopped() | Failed() | Done():
            return False
        case Echo():
            return metric.first_iteration <= reached.iteration
        case Scored():
            return metric.score in reached.scores
        case _:
            return metric.iteration <= reached.iteration


def _trained(folder: AdapterFolder) -> tuple[Metric, ...]:
    """The metrics of a run whose child came to its end before its parent could publish it, or none."""
    metrics = read_metrics(folder.metrics) if folder.metrics.is_file() else ()
    return metrics if _is_done(metrics) else ()


def _unheard(_: Metric) -> None:
    pass


def _train(
    plan: TrainingPlan,
    folder: AdapterFolder,
    on_metric: Callable[[Metric], None],
    scorer: Scorer | None,
    meeting: Meeting | None,
) -> tuple[Metric, ...]:
    """Follow a child to its end. Returns every metric of the run, of earlier sessions too."""
    write_text(folder.plan, plan.to_yaml())
    _forget_what_will_be_repeated(folder)
    offset = folder.metrics.stat().st_size
    with _trainer(folder, meeting) as child:
        try:
            for metric in follow(folder.metrics, lambda: child.poll() is None, DECODER, offset=offset):
                _judge(plan, metric)
                if meeting is not None and isinstance(metric, Echo):
                    require_processes(metric, meeting.hosts.size)
                on_metric(metric)
                if isinstance(metric, ScoreDue) and scorer is not None:
                    write_json(folder.answer, asdict(scorer(metric.iteration)))
        except KeyboardInterrupt:
            child.ask_to_stop()
            on_metric(Doing(what="stopping", iteration=0))
            with suppress(TimeoutExpired):
                child.wait(_PATIENCE_SECONDS)
            if not _is_done(read_metrics(folder.metrics)):
                raise
    metrics = read_metrics(folder.metrics)
    if not _is_done(metrics):
        raise _broken(folder, child, meeting)
    return metrics


def _trainer(folder: AdapterFolder, meeting: Meeting | None) -> Child:
    worker = ("punie.training.worker", str(folder.plan))
    if meeting is None:
        folder.hosts.unlink(missing_ok=True)
        return Child(*worker, log=folder.log)
    return launch(meeting.hosts, folder.hosts, *worker, log=folder.log)


def _last_session(metrics: tuple[Metric, ...]) -> tuple[Metric, ...]:
    begins = max(number for number, metric in enumerate(metrics) if isinstance(metric, Echo))
    return metrics[begins:]


def _is_done(metrics: tuple[Metric, ...]) -> bool:
    return bool(metrics) and isinstance(metrics[-1], Done)


def _judge(plan: TrainingPlan, metric: Metric) -> None:
    """Raises where the child says it failed, or does something other than the plan."""
    match metric:
        case Echo():
            require_echo(plan, metric)
        case TrainLoss():
            require_rate(plan, metric)
        case Failed():
            raise metric.to_error()
        case Stopped():
            raise _interrupted(AdapterFolder.of(plan))
        case _:
            pass


def _interrupted(folder: AdapterFolder) -> InterruptedRun:
    saved = read_progress(folder.state).iteration if folder.state.is_file() else 0
    return InterruptedRun(
        f"Training was interrupted; {saved} iterations are saved.",
        where=str(folder.root),
        hint=f"Go on with: {folder.resume_command}",
    )


def _broken(folder: AdapterFolder, child: Child, meeting: Meeting | None) -> TrainingError | CapacityError:
    if shutil.disk_usage(folder.root).free < _FULL_BYTES:
        return CapacityError(
            "The disk ran full.", where=str(folder.root), hint=f"Make room, then: {folder.resume_command}"
        )
    resume = f"\nGo on from the last saved state with: {folder.resume_command}" if folder.state.is_file() else ""
    fallen = None if meeting is None else first_fallen(folder.log)
    alone = f"The training process ended without a result (exit code {child.poll()})."
    return TrainingError(
        alone if meeting is None or fallen is None else fallen.explained(meeting.hosts),
        where=str(folder.log),
        hint=f"{child.last_lines()}{resume}".strip(),
    )


def _superfluous(plan: TrainingPlan, folder: AdapterFolder, metrics: tuple[Metric, ...]) -> set[int]:
    done = next(metric for metric in reversed(metrics) if isinstance(metric, Done))
    return Selector.of(plan).superfluous(folder.checkpoints(), protected=done.selection.iteration)


def _publish(plan: TrainingPlan, folder: AdapterFolder, metrics: tuple[Metric, ...]) -> TrainingOutcome:
    """Give everything its final name: the weights last, since a folder that has them has the rest; then the outcome.

    Interrupted anywhere, it can be done again. The last session is judged here too: a killed parent has not done it.
    """
    for metric in _last_session(metrics):
        _judge(plan, metric)
    folder.drop_checkpoints(_superfluous(plan, folder, metrics))
    for file in sorted(folder.unfinished.glob("*"), key=lambda file: file.name == folder.weights.name):
        file.replace(folder.root / file.name)
    for leftover in (folder.unfinished, folder.candidate, folder.state.parent):
        shutil.rmtree(leftover, ignore_errors=True)
    outcome = summarize(plan, read_adapter(folder.root), metrics)
    write_json(folder.outcome, outcome.model_dump())
    return outcome
