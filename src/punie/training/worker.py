"""The training child: `python -m punie.child punie.training.worker PLAN`.

The plan is resolved: its model and data are folders. What happens is told in `run/metrics.jsonl`; the last line is
Done, Stopped or Failed, or there is none because the process was killed. The exit code means nothing to the parent,
since MLX may abort while the process ends. Where there is a saved state, training goes on from it.

Started by `mlx.launch`, several of these train together; the one of rank 0 is the one that is heard.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import TYPE_CHECKING

from punie import fingerprint
from punie.errors import DataError, InterruptedRun, PunieError
from punie.files import make_folder, write_jsonl
from punie.training.adapter import AdapterFolder
from punie.training.hosts.last_words import sign_last_words
from punie.training.hosts.sharing import require_shareable
from punie.training.metrics import Doing, Done, Echo, Failed, Metric, Stopped, append_metric
from punie.training.outcome import require_trained_on
from punie.training.plan import TrainingPlan
from punie.training.progress import Progress, read_progress
from punie.training.request import load_plan
from punie.training.rows import TeachingRows, read_teaching_rows, require_batch
from punie.training.world import World, find_world

if TYPE_CHECKING:
    from punie.training.student import Learner


def main() -> None:
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    sign_last_words()
    world = find_world()
    with _home(Path(sys.argv[1]), world) as plan:
        append_metric(AdapterFolder.of(plan).metrics, _last_word(plan, world, stop.is_set))
        # Who leaves earlier would be taken for one that broke off while rank 0 still writes.
        world.any(False)


@contextmanager
def _home(file: Path, world: World) -> Generator[TrainingPlan]:
    """The plan, with the folder this process writes to. Only rank 0 has the plan's own.

    The others are told the plan and the saved state, and what they write is thrown away.
    """
    if world.size == 1:
        yield load_plan(file)
        return
    with TemporaryDirectory() as scratch:
        told = Path(scratch) / "plan.yaml"
        told.write_bytes(world.from_first(file))
        plan = load_plan(told)
        saved = world.from_first(AdapterFolder.of(plan).state)
        yield plan if world.rank == 0 else _elsewhere(plan, saved, scratch)


def _elsewhere(plan: TrainingPlan, saved: bytes, folder: str) -> TrainingPlan:
    """The same plan into another folder, which has the saved state, where there is one."""
    own = plan.model_copy(update={"adapter_path": folder})
    state = AdapterFolder.of(own).state
    make_folder(state.parent)
    if saved:
        state.write_bytes(saved)
    return own


def _last_word(plan: TrainingPlan, world: World, stopping: Callable[[], bool]) -> Metric:
    try:
        return learn(plan, world, stopping)
    except InterruptedRun:
        return Stopped(iteration=read_progress(AdapterFolder.of(plan).state).iteration)
    except PunieError as error:
        return Failed.of(error)


def learn(plan: TrainingPlan, world: World, stopping: Callable[[], bool]) -> Done:
    """Read, load, train. The rows come first: what is wrong with them should not cost the loading of a model."""
    with world.together():
        _say(plan, "reading rows")
        rows = read_teaching_rows(Path(plan.data), _least(plan))
        progress = _progress(plan, rows)
    _require_one_run(plan, progress, world)

    from punie.training import memory
    from punie.training.session import Session

    limit = memory.allowed(plan.memory_limit)
    with world.together():
        memory.require_weights_fit(Path(plan.model), limit)
        learner, echo = _prepare(plan, rows, progress, world.size)
        _keep_account(plan, learner)
    return Session(plan, learner, progress, echo, limit, world, stopping).run()


def _least(plan: TrainingPlan) -> int:
    """Rows that training needs."""
    return 1 if plan.batch_tokens else plan.batch_size


def _prepare(plan: TrainingPlan, rows: TeachingRows, progress: Progress, processes: int) -> tuple[Learner, Echo]:
    from punie.training.student import build_learner, load_student

    started = time.perf_counter()
    _say(plan, "loading the model")
    model, tokenizer = load_student(plan)
    loaded = time.perf_counter()
    _say(plan, "tokenizing")
    learner = build_learner(plan, rows, model, tokenizer)
    require_batch(len(learner.train_rows), _least(plan), rows.train.path)
    seconds = {"load_seconds": loaded - started, "prepare_seconds": time.perf_counter() - loaded}
    return learner, _echo(plan, rows, learner, progress, processes, **seconds)


def _keep_account(plan: TrainingPlan, learner: Learner) -> None:
    """Of the rows that are not learned from."""
    if removed := (*learner.train.removed, *learner.valid.removed):
        write_jsonl(AdapterFolder.of(plan).removed, (removal.to_row() for removal in removed))


def _require_one_run(plan: TrainingPlan, progress: Progress, world: World) -> None:
    """Raises UsageError where several processes cannot train as one."""
    if world.size > 1:
        require_shareable(plan, world.size)
    world.require_same(model=progress.model_hash, data=progress.data_hash, resume_from=progress.start_hash or "0")


def _say(plan: TrainingPlan, what: str) -> None:
    """Before the first step; a resumed run says it again."""
    append_metric(AdapterFolder.of(plan).metrics, Doing(what=what, iteration=0))


def _echo(
    plan: TrainingPlan,
    rows: TeachingRows,
    learner: Learner,
    progress: Progress,
    processes: int,
    *,
    load_seconds: float,
    prepare_seconds: float,
) -> Echo:
    """What is known before the loop begins; the session adds what it reads back from it."""
    return Echo(
        values={
            "seed": learner.seed,
            "data": str(rows.train.path.parent),
            "overlong": learner.train.overlong,
            "resume_from": learner.start and str(learner.start),
        },
        first_iteration=progress.iteration,
        processes=processes,
        **learner.parameter_counts(),
        train_rows=len(learner.train_rows),
        valid_rows=len(learner.valid_rows),
        truncated_rows=learner.train.truncated,
        removed_rows=len(learner.train.removed),
        loss_route="",
        workload=None,
        model_hash=progress.model_hash,
        data_hash=progress.data_hash,
        start_hash=progress.start_hash,
        load_seconds=load_seconds,
        prepare_seconds=prepare_seconds,
        versions={name: version(name) for name in ("mlx", "mlx-lm")},
    )


def _progress(plan: TrainingPlan, rows: TeachingRows) -> Progress:
    """Where to start. Raises DataError where a saved state was trained with another model, data or first weights."""
    model = Path(plan.model)
    start = None if plan.resume_from is None else fingerprint.adapter(Path(plan.resume_from))
    fresh = Progress(model_hash=fingerprint.model(model), data_hash=rows.hash, start_hash=start)
    state = AdapterFolder.of(plan).state
    if not state.exists():
        if plan.resume_from is not None:
            require_trained_on(fresh.model_hash, Path(plan.resume_from))
        return fresh
    saved = read_progress(state)
    for what, key in (("model", "model"), ("data", "data"), ("start", "resume_from")):
        if getattr(fresh, f"{what}_hash") != getattr(saved, f"{what}_hash"):
            raise DataError(
                f"The {key} has changed since the run was saved, so it cannot go on as it began.",
                where=str(getattr(plan, key)),
                hint="Train into a new folder.",
            )
    return saved


if __name__ == "__main__":
    main()
