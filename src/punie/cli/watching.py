"""Who hears of a training run while it goes on: the person at the screen, programs that read its events, trackers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from punie.cli import console
from punie.cli.live import Lines, Live
from punie.errors import CapacityError, InterruptedRun, PunieError, TrainingError
from punie.training.adapter import AdapterFolder
from punie.training.metrics import Echo, Metric
from punie.training.plan import TrainingPlan
from punie.training.prediction import write_prediction
from punie.training.tracking import Tracking


@contextmanager
def page_of_training(plan: TrainingPlan) -> Generator[None]:
    """Leave the page of the run, also where it was interrupted or broke; what went wrong there is told either way."""
    folder = Path(plan.adapter_path).expanduser().resolve()
    try:
        yield
    except (TrainingError, CapacityError, InterruptedRun):
        with suppress(PunieError):
            _write_page(folder)
        raise
    _write_page(folder)


def _write_page(folder: Path) -> None:
    from punie.report.pages import write_training_page

    console.note(f"Page: {write_training_page(folder)}")


@contextmanager
def listeners(plan: TrainingPlan, *, events: bool, trackers: Sequence[str]) -> Generator[Callable[[Metric], None]]:
    """What to call with each metric. Events that are read on the screen itself take the place of the block there.

    Raises UsageError for a tracker that is not there.
    """
    silent = events and sys.stdout.isatty()
    folder = AdapterFolder(Path(plan.adapter_path).expanduser().resolve())
    with (
        Live() if console.err.is_interactive and not silent else Lines() as view,
        Tracking(trackers, folder, console.note) as tracking,
    ):

        def hear(metric: Metric) -> None:
            if isinstance(metric, Echo) and not metric.first_iteration:
                _foretell(plan, folder, metric)
            if events:
                console.print_line_of_json(metric)
            tracking.metric(metric)
            if not silent:
                view.metric(metric, plan.iters)

        yield hear


def _foretell(plan: TrainingPlan, folder: AdapterFolder, begun: Echo) -> None:
    """Where this model was measured on this machine, say what the run will take, and write it down for its page."""
    from punie.benchmark.forecast import predict
    from punie.benchmark.saved import BENCHMARKS, find_benchmark
    from punie.report import numbers

    here = plan.model_copy(update={"model": begun.values["model"]})
    if not BENCHMARKS.is_dir() or (found := find_benchmark(BENCHMARKS, here)) is None:
        return
    if (told := predict(found, here, begun)) is not None:
        write_prediction(folder.prediction, told)
        console.note(f"Steps and validations will take {numbers.duration_within(told.seconds, told.plus_minus)}.")


@contextmanager
def following(iters: int = 0) -> Generator[Callable[..., None]]:
    """What to call with what is done, of several trainings of `iters` iterations, and with each of their metrics.

    Where they differ in length, each metric comes with its own.
    """
    live = Live()

    def hear(what: str, metric: Metric | None = None, iters: int = iters) -> None:
        if metric is None:
            console.note(what)
        elif console.err.is_interactive:
            live.metric(metric, iters)

    with live:
        yield hear
