"""What is going on, while it goes on: a block that is redrawn on a terminal, plain lines for a log."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from rich import progress as bars
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live as Redrawn
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Column

from punie.cli.console import err, note
from punie.cli.curve import TrainingFacts, figures_of
from punie.cli.scoreboard import Scoreboard
from punie.training.metrics import (
    Doing,
    Echo,
    Metric,
    PhaseLoss,
    Probed,
    Saved,
    Scored,
    ScoreDue,
    StageBegan,
    TrainLoss,
    ValidLoss,
)

if TYPE_CHECKING:
    from punie.data.progress import Step
    from punie.evaluation.outcomes import Trial
    from punie.training.pretrain.progress import Progress

_WIDEST = 100
_NARROWEST = 8
_BESIDE = 32
"""Columns of a line for what stands beside the name of what is done: mark, a short bar, place, time."""
_ETA_SECONDS = 600.0
"""The speed of so many last seconds tells the time that is left: reports of large models are minutes apart."""


class Live:
    """A block on a terminal, gone at the end; elsewhere nothing, so that logs stay short. Use as a context manager.

    Standard output is left alone: what is printed there may go into a file. The thread that draws starts with the first
    news, so work that copies its process can do so before.
    """

    def __init__(self) -> None:
        self._doing = Column(no_wrap=True)
        self._progress = bars.Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", table_column=self._doing),
            BarColumn(bar_width=None, table_column=Column(ratio=1)),
            TextColumn("{task.fields[count]}"),
            TimeRemainingColumn(compact=True),
            console=err,
            speed_estimate_period=_ETA_SECONDS,
            expand=True,
        )
        self._task = self._progress.add_task("", total=None, count="", visible=False)
        self._training = TrainingFacts()
        self._scores = Scoreboard()
        self._redrawn = Redrawn(self, console=err, refresh_per_second=8, transient=True, redirect_stdout=False)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        narrowed = options.update(width=min(options.max_width, _WIDEST))
        self._doing.max_width = max(_NARROWEST, narrowed.max_width - _BESIDE)
        yield from console.render(self._progress.get_renderable(), narrowed)
        width = narrowed.max_width - 4
        for line in (*self._training.lines(width), *self._scores.lines(width)):
            yield from console.render(line, narrowed)

    def __enter__(self) -> Live:
        return self

    def __exit__(self, *_: object) -> None:
        self._redrawn.stop()

    def begin(self, description: str) -> None:
        """Show a new activity of unknown length."""
        self._draw()
        self._training = TrainingFacts()
        self._scores = Scoreboard()
        self._progress.reset(self._task, total=None, description=description, visible=True, count="")

    def advance(self, done: float, total: float, unit: str = "") -> None:
        self._draw()
        count = f"{done:.0f}/{total:.0f}{unit and f' {unit}'} left"
        self._progress.update(self._task, completed=done, total=total, count=count)

    def step(self, step: Step) -> None:
        """Show how far a part of the work is; a new part begins a new bar."""
        if step.what != self._progress.tasks[self._task].description:
            self.begin(step.what)
        scale, unit = (1_000_000, "MB") if step.unit == "bytes" else (1, "rows")
        self.advance(step.done / scale, step.total / scale, unit)

    def trial(self, trial: Trial, done: int, total: int) -> None:
        self._scores.add(trial)
        self.advance(done, total)

    def stage(self, name: str) -> None:
        self.begin(name)

    def metric(self, metric: Metric, iters: int) -> None:
        """Show what the training child reported."""
        self._draw()
        match metric:
            case Doing():
                self._progress.update(self._task, description=metric.what, visible=True)
            case Echo():
                self.begin("training")
                self.advance(metric.first_iteration, iters)
            case StageBegan():
                note(f"stage {metric.stage}: {metric.rows:,} rows, {metric.iters:,} iterations")
            case Probed() if metric.advice:
                note(warning(metric))
            case PhaseLoss() if metric.next != metric.phase:
                note(_move(metric))
            case ScoreDue():
                self._progress.update(self._task, description="scoring", visible=True)
            case Scored():
                note(f"iteration {metric.iteration}/{iters}  {_score(metric)}")
            case TrainLoss() | ValidLoss():
                self._progress.update(self._task, description=metric.stage or "training")
                self.advance(metric.iteration, iters)
            case _:
                pass
        self._training.add(metric)

    def pretraining(self, progress: Progress) -> None:
        """Show what the pretraining child reported."""
        doing = f"{progress.stage}  loss {progress.loss:.3f}  {progress.tokens_per_second:,.0f} tokens/s"
        self._progress.update(self._task, description=doing, visible=True)
        self.advance(progress.iteration, progress.total)

    def _draw(self) -> None:
        if err.is_interactive:
            self._redrawn.start()


def warning(probed: Probed) -> str:
    """Of a probe that failed."""
    return f"Probe {probed.probe}: {probed.found} {probed.advice}"


class Lines:
    """The same of a training run as plain lines, one for each report. Use as a context manager."""

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def metric(self, metric: Metric, iters: int) -> None:
        match metric:
            case Doing():
                note(f"{metric.what} ...")
            case Echo():
                note(f"training, from iteration {metric.first_iteration} of {iters}")
            case TrainLoss():
                left = (iters - metric.iteration) / metric.iterations_per_second
                figures = [f"loss {metric.loss:.3f}", *figures_of(metric), f"left {timedelta(seconds=round(left))}"]
                note("  ".join([f"iteration {metric.iteration}/{iters}", *figures]))
            case ValidLoss():
                note(f"iteration {metric.iteration}/{iters}  validation loss {metric.loss:.3f}")
            case StageBegan():
                note(f"iteration {metric.iteration}/{iters}  stage {metric.stage}: {metric.rows:,} rows")
            case Probed() if metric.advice:
                note(warning(metric))
            case PhaseLoss() if metric.next != metric.phase:
                note(f"iteration {metric.iteration}/{iters}  {_move(metric)}")
            case ScoreDue():
                note(f"iteration {metric.iteration}/{iters}  scoring ...")
            case Scored():
                note(f"iteration {metric.iteration}/{iters}  {_score(metric)}")
            case Saved():
                note(f"iteration {metric.iteration}/{iters}  saved")
            case _:
                pass


def _score(metric: Scored) -> str:
    from punie.report.scores import besides, cost, found

    return "  ".join(filter(None, (found(metric.score), besides(metric.score), cost(metric))))


def _move(metric: PhaseLoss) -> str:
    return f"phase {metric.phase} has validation loss {metric.loss:.3f}: {metric.next} is next"
