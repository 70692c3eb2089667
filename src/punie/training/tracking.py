"""The trackers of one run as the command line owns them: started with it, ended with it, never in its way."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from subprocess import TimeoutExpired
from types import TracebackType

from punie.errors import UsageError
from punie.process import Child
from punie.training.adapter import AdapterFolder
from punie.training.metrics import Echo, Metric

TRACKERS = ("wandb", "swanlab", "trackio", "mlflow")

_PATIENCE_SECONDS = 60.0
"""How long a tracker may take to send the rest once the run has ended."""


def require_trackers(names: Sequence[str]) -> None:
    """Raises UsageError for a tracker nobody knows, or whose package is not installed."""
    for name in names:
        if name not in TRACKERS:
            raise UsageError(f"There is no tracker called {name}.", hint=f"Trackers: {', '.join(TRACKERS)}.")
        if find_spec(name) is None:
            raise UsageError(f"{name} is not installed.", hint=f"pip install {name}")


class Tracking:
    """Feed `names` from the run in `folder`; `warn` hears a sentence of each one that failed. A context manager."""

    def __init__(self, names: Sequence[str], folder: AdapterFolder, warn: Callable[[str], None]) -> None:
        require_trackers(names)
        self._names, self._folder, self._warn = names, folder, warn
        self._children: dict[str, Child] = {}

    def __enter__(self) -> Tracking:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self._children.values():
            if error is not None:
                child.ask_to_stop()
        for name in list(self._children):
            self._end(name)

    def metric(self, metric: Metric) -> None:
        """Begin with the first echo: by then the plan has arrived and the record exists."""
        if isinstance(metric, Echo) and not self._children:
            self._children = {name: self._start(name) for name in self._names}
        for name, child in list(self._children.items()):
            if child.poll() is not None:
                self._end(name)

    def _start(self, name: str) -> Child:
        log = self._folder.run / f"{name}.log"
        arguments = ("punie.training.trackers", name, str(self._folder.root))
        return Child(*arguments, log=log, environment={**os.environ, "PYTHONUNBUFFERED": "1"})

    def _end(self, name: str) -> None:
        """Let it send what it has, and say so where it could not."""
        with self._children.pop(name) as child:
            try:
                code = child.wait(_PATIENCE_SECONDS)
            except TimeoutExpired:
                self._warn(f"{name} did not end in {_PATIENCE_SECONDS:.0f} s and was stopped. See {child.log}")
                return
        if code != 0:
            self._warn(f"{name} failed: {child.last_lines(1)} See {child.log}")
