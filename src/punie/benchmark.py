"""How fast a model learns on this machine, before anyone settles on a model."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from punie.errors import UsageError
from punie.files import write_jsonl
from punie.training.metrics import Echo, Metric, TrainLoss, ValidLoss
from punie.training.request import parse_plan
from punie.training.runner import train

_SAMPLE = "def add(first, second):\n    return first + second\n\n\n"
_CHARACTERS_PER_TOKEN = 8
"""More than any tokenizer packs into one token of code, so that every sample row fills its length."""


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """Steady steps only: loading, validation and steps that met a new batch width are reported apart.

    Times in seconds, memory in bytes, rates over the tokens that went through the model, padding left out.
    """

    model: str
    batch_size: int
    max_seq_length: int
    num_layers: int
    measured_iterations: int
    seconds_per_iteration: float
    """Median; `fastest` and `slowest` are of the same steps."""
    fastest: float
    slowest: float
    tokens_per_second: float
    peak_memory: int
    load_seconds: float
    first_trace_seconds: float
    validation_seconds: float
    total_seconds: float
    trainable_parameters: int
    decision: str


def benchmark(
    model: str,
    *,
    data: Path | None = None,
    iters: int = 10,
    batch_size: int = 4,
    max_seq_length: int = 2048,
    num_layers: int = 16,
    on_metric: Callable[[Metric], None] | None = None,
) -> BenchmarkResult:
    """Train for `iters` steps into a folder that is thrown away, and time them.

    Without `data` every row fills `max_seq_length`: the slowest and largest batch there can be.
    Raises what `train` raises, and UsageError where all steps went into first traces.
    """
    heard: list[Metric] = []
    started = time.perf_counter()
    with TemporaryDirectory(prefix="punie-benchmark-") as scratch:
        rows = data or _sample_rows(Path(scratch) / "data", batch_size, max_seq_length)
        knobs = {
            "model": model,
            "data": str(rows),
            "adapter_path": str(Path(scratch) / "adapter"),
            "iters": iters,
            "batch_size": batch_size,
            "max_seq_length": max_seq_length,
            "num_layers": num_layers,
            "steps_per_report": 1,
            "save_every": iters + 1,
            "probes": False,
        }

        def hear(metric: Metric) -> None:
            heard.append(metric)
            if on_metric is not None:
                on_metric(metric)

        train(parse_plan(knobs, where="benchmark"), on_metric=hear)
    return _result(knobs, heard, time.perf_counter() - started)


def decide(seconds_per_iteration: float) -> str:
    """What a step time means for working with a model; 100 iterations are a short run, 1,000 a usual one."""
    short = f"100 iterations take {seconds_per_iteration * 100 / 60:.1f} minutes"
    if seconds_per_iteration <= 5:
        return f"Go: {short}, so ideas can be tried one after another."
    if seconds_per_iteration <= 10:
        return f"Go, with patience: {short}."
    if seconds_per_iteration <= 30:
        return f"Usable: {short}; plan a few runs a day."
    if seconds_per_iteration <= 60:
        return f"Slow: {short}; one run overnight. Fewer layers, shorter rows or a smaller model will help."
    return f"Too slow to work with: {short}. Pivot to a smaller model."


def _sample_rows(folder: Path, batch_size: int, max_seq_length: int) -> Path:
    text = _SAMPLE * (1 + max_seq_length * _CHARACTERS_PER_TOKEN // len(_SAMPLE))
    for name in ("train", "valid"):
        write_jsonl(folder / f"{name}.jsonl", [{"text": text}] * batch_size)
    return folder


def _result(knobs: dict, heard: list[Metric], total_seconds: float) -> BenchmarkResult:
    echo = next(metric for metric in heard if isinstance(metric, Echo))
    steps = [metric for metric in heard if isinstance(metric, TrainLoss)]
    steady = [step for step in steps if not step.new_shapes]
    if not steady:
        raise UsageError(
            f"None of the {len(steps)} steps can be timed: each met a new batch width.", hint="Give more iterations."
        )
    times = [1 / step.iterations_per_second for step in steady]
    tokens = sum(step.tokens_per_second * seconds for step, seconds in zip(steady, times, strict=True))
    median = statistics.median(times)
    return BenchmarkResult(
        model=str(echo.values["model"]),
        batch_size=knobs["batch_size"],
        max_seq_length=knobs["max_seq_length"],
        num_layers=echo.values["num_layers"],
        measured_iterations=len(steady),
        seconds_per_iteration=median,
        fastest=min(times),
        slowest=max(times),
        tokens_per_second=tokens / sum(times),
        peak_memory=steps[-1].peak_memory,
        load_seconds=echo.load_seconds,
        first_trace_seconds=sum(1 / step.iterations_per_second for step in steps if step.new_shapes),
        validation_seconds=sum(metric.seconds for metric in heard if isinstance(metric, ValidLoss)),
        total_seconds=total_seconds,
        trainable_parameters=echo.trainable_parameters,
        decision=decide(median),
    )
