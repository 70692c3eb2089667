"""`punie benchmark` and `punie estimate`: real steps of a real engine, and what follows from them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from punie.benchmark.anatomy import Anatomy, read_anatomy
from punie.benchmark.cells import Found, Loaded, Measured, measure
from punie.benchmark.estimate import estimate
from punie.benchmark.forecast import counted_memory, peak_of
from punie.benchmark.grid import Cell
from punie.benchmark.saved import Benchmark, find_benchmark, save_benchmark
from punie.cli import app
from punie.files import write_jsonl
from punie.report.training import read_training
from punie.training.plan import TrainingPlan
from punie.training.request import parse_plan
from punie.training.workload import full_workload


def plan_of(model: Path, **knobs: object) -> TrainingPlan:
    small = {"batch_size": 2, "max_seq_length": 64, "num_layers": -1, "iters": 10}
    return parse_plan({"model": str(model), "data": "none", "adapter_path": "none", **small, **knobs}, where="test")


@pytest.fixture(scope="module")
def measured(tiny_model: Path) -> list[Found]:
    cells = [Cell((64, 64), 1.0, 4, grad_checkpoint=False), Cell((32, 16), 0.5, 4, grad_checkpoint=False)]
    return list(measure(plan_of(tiny_model), cells, steps=2))


@pytest.fixture(scope="module")
def anatomy(tiny_model: Path) -> Anatomy:
    return read_anatomy(plan_of(tiny_model))


def test_steady_steps_are_timed_apart_from_the_rest(measured: list[Found]) -> None:
    """Loading, the first step and validation are told beside the seconds per iteration, and not in them."""
    loaded, first, mixed = measured
    assert isinstance(loaded, Loaded)
    assert isinstance(first, Measured)
    assert isinstance(mixed, Measured)
    assert loaded.load_seconds > 0
    assert first.steps == 2
    assert 0 < first.fastest <= first.seconds <= first.slowest
    assert first.tokens == 128
    assert first.work.positions == 2 * 63
    assert mixed.work.targets == 24
    assert first.peak_memory > first.needs.counted > 1_000_000


def test_what_is_measured_again_takes_the_place_of_what_was_saved(
    measured: list[Found], anatomy: Anatomy, tiny_model: Path, tmp_path: Path
) -> None:
    """Cells of one model, machine and set of versions come together in one file; another rank is another file."""
    plan, (_, first, mixed) = plan_of(tiny_model), measured
    assert isinstance(first, Measured)
    assert isinstance(mixed, Measured)
    save_benchmark(tmp_path, plan, Benchmark.of(plan, anatomy, 1.0, (first, mixed)))
    save_benchmark(tmp_path, plan, Benchmark.of(plan, anatomy, 1.0, (first,)))
    found = find_benchmark(tmp_path, plan)
    assert found is not None
    assert found.cells == (first, mixed)
    assert found.anatomy == anatomy
    assert find_benchmark(tmp_path, plan_of(tiny_model, rank=4)) is None


def test_memory_is_foretold_from_the_config_alone(measured: list[Found], anatomy: Anatomy, tiny_model: Path) -> None:
    """Before anything is measured, the estimate of the peak is within 15 % of what MLX then says."""
    plan, first = plan_of(tiny_model), measured[1]
    assert isinstance(first, Measured)
    found = peak_of(counted_memory(), anatomy, plan, full_workload(plan))
    assert found.memory == pytest.approx(first.peak_memory, rel=0.15)


def test_an_estimate_counts_what_the_model_has(tiny_model: Path, tmp_path: Path) -> None:
    """Parameters and sizes are those of the embedded model; without a benchmark no time is told."""
    found = estimate(plan_of(tiny_model, memory_limit=0.1), folder=tmp_path)
    assert found.anatomy.parameters == 986_240
    assert found.anatomy.weights_at[32] == 4 * 986_240
    assert found.peak.fits
    assert found.time is None
    assert 2 < found.largest_batch < 100
    assert 64 < found.largest_length < 10_000


@pytest.mark.slow
def test_a_whole_benchmark_foretells_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All kinds of steps are measured and saved, the last line decides; an estimate then tells a time, a run is told
    what it will take, and its record holds that."""
    monkeypatch.chdir(tmp_path)
    write_jsonl(tmp_path / "data" / "train.jsonl", [{"text": "one, two, three, " * (1 + n % 3)} for n in range(20)])
    small = ["--batch-size", "2", "--max-seq-length", "64", "--iters", "10"]
    tuned = CliRunner().invoke(app, ["benchmark", "--data", "data", "--set", "mask=none", "--steps", "2", *small])
    assert tuned.exit_code == 0, tuned.output
    assert tuned.stdout.splitlines()[-1].startswith("Go: ")
    assert tuned.stdout.count("tiny  ") >= 6
    known = CliRunner().invoke(app, ["estimate", *small, "--json"])
    (told,) = json.loads(known.stdout)["models"]
    assert told["time"]["seconds"] > 0
    done = CliRunner().invoke(app, ["train", "data", "--output", "mine", "--mask", "none", *small])
    assert done.exit_code == 0, done.output
    record = read_training(tmp_path / "mine")
    assert record.prediction is not None
    assert record.prediction.peak_memory == pytest.approx(record.peak_memory, rel=0.15)
