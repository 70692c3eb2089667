"""Work of several steps as a person sees it: a numbered line per finished step, a bar for the one that runs."""

from __future__ import annotations

from punie.cli import console
from punie.cli.live import Live
from punie.data.progress import Step
from punie.evaluation.outcomes import Trial
from punie.experiment.watcher import Watcher
from punie.training.metrics import Metric


class Steps(Watcher):
    """Use as a context manager; the bar goes when it ends. `width`: columns of the longest name."""

    def __init__(self, width: int = 11) -> None:
        self._width = width
        self.earlier = False
        self._live = Live()
        self._number = 0
        self._name = ""
        self._watch = console.Stopwatch()

    def __enter__(self) -> Steps:
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.__exit__()

    def step(self, name: str) -> None:
        self._number += 1
        self._name = name
        self._watch = console.Stopwatch()
        self._live.begin(name)

    def done(self, result: str, *, earlier: bool = False) -> None:
        self.earlier = self.earlier or earlier
        time = "done before" if earlier else f"{self._watch.seconds:.1f} s"
        console.note(f"{self._number:>2} {self._name:<{self._width}} {result:<53} {time:>11}")

    def stage(self, name: str) -> None:
        self._live.begin(f"{self._name}: {name}")

    def rows(self, step: Step) -> None:
        self._live.step(step)

    def trial(self, trial: Trial, done: int, total: int) -> None:
        self._live.trial(trial, done, total)

    def asked(self, done: int, total: int) -> None:
        self._live.advance(done, total)

    def metric(self, metric: Metric, iters: int) -> None:
        self._live.metric(metric, iters)
