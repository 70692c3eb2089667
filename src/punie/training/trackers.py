"""An experiment tracker, fed from a run's own record: `python -m punie.child punie.training.trackers NAME ADAPTER`.

A process of its own beside the training child: whatever the tracker's package does, hangs, prints, waits for a network,
training goes on. The whole record is read from its first line, so a resumed run is one whole curve in the tracker, too.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from threading import Event
from typing import Any, Protocol

import msgspec

from punie.training.adapter import AdapterFolder
from punie.training.metrics import DECODER, Done, Echo, Failed, Metric, Stopped, TrainLoss, ValidLoss, follow
from punie.training.request import load_plan

_PROJECT = "punie"


class Tracked(Protocol):
    """One run in a tracker."""

    def log(self, values: dict[str, float], step: int) -> None: ...

    def finish(self) -> None: ...


class MlflowRun:
    """mlflow's words for the same."""

    def __init__(self, mlflow: Any, name: str, config: dict[str, Any]) -> None:
        self._mlflow = mlflow
        if "MLFLOW_EXPERIMENT_NAME" not in os.environ:
            mlflow.set_experiment(_PROJECT)
        mlflow.start_run(run_name=name)
        mlflow.log_params(config)

    def log(self, values: dict[str, float], step: int) -> None:
        self._mlflow.log_metrics(values, step=step)

    def finish(self) -> None:
        self._mlflow.end_run()


def main() -> None:
    name, folder = sys.argv[1], AdapterFolder(Path(sys.argv[2]))
    told_to_end = Event()
    signal.signal(signal.SIGTERM, lambda *_: told_to_end.set())
    run: Tracked | None = None
    for metric in follow(folder.metrics, lambda: not told_to_end.is_set(), DECODER):
        match metric:
            case Echo() if run is None:
                run = open_run(name, folder, metric)
            case TrainLoss() | ValidLoss() if run is not None:
                run.log(numbers_of(metric), step=metric.iteration)
            case Done() | Stopped() | Failed():
                break
    if run is not None:
        run.finish()


def open_run(name: str, folder: AdapterFolder, echo: Echo) -> Tracked:
    """Begin a run under the adapter's name, with the plan and what it was trained from and on."""
    plan = load_plan(folder.plan).model_dump()
    config = {**plan, "model_hash": echo.model_hash, "data_hash": echo.data_hash, **echo.versions}
    module = import_module(name)
    if name == "mlflow":
        return MlflowRun(module, folder.root.name, config)
    project = os.environ.get(f"{name.upper()}_PROJECT", _PROJECT)
    return module.init(project=project, name=folder.root.name, config=config)


def numbers_of(metric: Metric) -> dict[str, float]:
    """Every number of an event but its place, under its kind: train/loss."""
    values = msgspec.to_builtins(metric)
    kind = values.pop("event")
    del values["iteration"]
    return {f"{kind}/{key}": value for key, value in values.items() if isinstance(value, int | float)}


if __name__ == "__main__":
    main()
