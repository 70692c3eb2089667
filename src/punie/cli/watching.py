"""Who hears of a training run while it goes on: the person at the screen, and programs that read its events."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

from punie.cli import console
from punie.cli.live import Lines, Live
from punie.training.metrics import Metric
from punie.training.plan import TrainingPlan


@contextmanager
def listeners(plan: TrainingPlan, *, events: bool) -> Generator[Callable[[Metric], None]]:
    """What to call with each metric. Events that are read on the screen itself take the place of the block there."""
    silent = events and sys.stdout.isatty()
    with Live() if console.err.is_interactive and not silent else Lines() as view:

        def hear(metric: Metric) -> None:
            if events:
                console.print_line_of_json(metric)
            if not silent:
                view.metric(metric, plan.iters)

        yield hear
