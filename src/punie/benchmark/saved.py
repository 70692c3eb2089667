"""Benchmarks on disk: one file for each model, machine and set of versions, in which cells come together."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Literal

import msgspec

from punie import __version__, moments
from punie.benchmark.anatomy import Anatomy
from punie.benchmark.cells import Measured
from punie.errors import DataError
from punie.files import hash_value, read_json, write_json
from punie.training.outcome import machine
from punie.training.plan import TrainingPlan

BENCHMARKS = Path("reports") / "benchmarks"
_TUNED = {"fine_tune_type", "rank", "keys", "optimizer", "dropout"}
"""Knobs of which a step's time depends, and which no cell varies."""


class Identity(msgspec.Struct, frozen=True):
    """What a measurement is of. A model is its config.json: other weights of the same shapes are as fast."""

    architecture: str
    machine: str
    versions: dict[str, str]
    tuned: str

    @classmethod
    def of(cls, plan: TrainingPlan) -> Identity:
        """`plan.model` is a folder."""
        return cls(
            architecture=hash_value(read_json(Path(plan.model) / "config.json")),
            machine=machine(),
            versions={"punie": __version__, **{name: version(name) for name in ("mlx", "mlx-lm")}},
            tuned=hash_value(plan.model_dump(mode="json", include=_TUNED)),
        )


class Benchmark(msgspec.Struct, frozen=True):
    """All that was measured of one identity. `made`: when last, in UTC."""

    model: str
    identity: Identity
    anatomy: Anatomy
    load_seconds: float
    cells: tuple[Measured, ...]
    made: str
    format: Literal[1] = 1

    @classmethod
    def of(cls, plan: TrainingPlan, anatomy: Anatomy, load_seconds: float, cells: tuple[Measured, ...]) -> Benchmark:
        now = moments.now()
        return cls(plan.model, Identity.of(plan), anatomy, load_seconds, cells, now)


def benchmark_file(folder: Path, plan: TrainingPlan) -> Path:
    return folder / f"{Path(plan.model).name}-{hash_value(msgspec.to_builtins(Identity.of(plan)))[:12]}.json"


def find_benchmark(folder: Path, plan: TrainingPlan) -> Benchmark | None:
    """The one that holds for a plan here and now. Raises DataError where its file is broken."""
    path = benchmark_file(folder, plan)
    if not path.is_file():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Benchmark)
    except msgspec.MsgspecError as error:
        raise DataError(f"Not a benchmark this version can read: {error}.", where=str(path)) from error


def save_benchmark(folder: Path, plan: TrainingPlan, found: Benchmark) -> Benchmark:
    """Together with the cells that were saved before and not measured again."""
    before = find_benchmark(folder, plan)
    cells = {one.cell: one for one in (*(before.cells if before else ()), *found.cells)}
    whole = msgspec.structs.replace(found, cells=tuple(cells.values()))
    write_json(benchmark_file(folder, plan), msgspec.to_builtins(whole, str_keys=True))
    return whole
