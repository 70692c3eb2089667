"""Who hears what an experiment does."""

from __future__ import annotations

from punie.data.progress import Step
from punie.evaluation.outcomes import Trial
from punie.training.metrics import Metric


class Watcher:
    """What happens, as it happens. The command line draws it; this one looks on in silence."""

    def step(self, name: str) -> None:
        """A step begins."""

    def done(self, result: str, *, earlier: bool = False) -> None:
        """The step's result in a few words; `earlier` when it lay there already."""

    def stage(self, name: str) -> None:
        """What an evaluation is doing before it asks."""

    def rows(self, step: Step) -> None:
        """How far the making of rows is."""

    def trial(self, trial: Trial, done: int, total: int) -> None:
        """One case was judged."""

    def asked(self, done: int, total: int) -> None:
        """A question to a teacher has ended."""

    def metric(self, metric: Metric, iters: int) -> None:
        """The training child reported."""
