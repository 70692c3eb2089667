"""How far the forecasts of `punie benchmark` and `punie estimate` are off, on runs that no fit has seen.

    python benchmarks/forecasts.py [--output FILE] [PART ...]

A part is one kind of step of a model's grid, or one held run; without parts all are measured, in some minutes on two
quiet cores. FILE gets every part as it is done, so a run that was stopped goes on where it was.

Time here is that of the processor, one BLAS thread, since other work on the machine spoils the time by the clock; fit
and forecast are those of the product, from those seconds. Loading, tokenizing and estimating memory are in neither.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from training_material import Lengths, write_chats
from training_vs_stock import child, make_model, versions

from punie.benchmark.anatomy import read_anatomy
from punie.benchmark.cells import Measured, measure
from punie.benchmark.forecast import Duration, Peak, counted_memory, duration_of, measured_costs, peak_of
from punie.benchmark.grid import grid
from punie.benchmark.saved import Benchmark
from punie.benchmark.workloads import read_workload
from punie.cli.console import print_table
from punie.files import read_json, write_json
from punie.process import mlx_environment
from punie.training.plan import TrainingPlan
from punie.training.request import parse_plan
from punie.workspace import EMBEDDED_MODEL, resolve_model

STEPS = 3
GRIDS: dict[str, dict[str, Any]] = {
    "tiny": {"batch_size": 4, "max_seq_length": 512, "num_layers": -1},
    "100 M": {"batch_size": 2, "max_seq_length": 192, "num_layers": -1},
}
CELLS = 6


@dataclass(frozen=True, slots=True)
class Held:
    """A run that is foretold from its model's grid, and then made."""

    size: str
    lengths: Lengths
    knobs: dict[str, Any] = field(default_factory=dict)


HELD = {
    "tiny-skewed": Held("tiny", "skewed", {"iters": 16, "batch_size": 4, "max_seq_length": 512}),
    "tiny-short": Held("tiny", "uniform", {"iters": 10, "batch_size": 8, "max_seq_length": 256, "num_layers": 2}),
    "100m-skewed": Held("100 M", "skewed", {"iters": 6, "batch_size": 2, "num_layers": 6}),
    "100m-checkpointed": Held("100 M", "uniform", {"iters": 5, "batch_size": 1, "grad_checkpoint": True}),
}
PARTS = [*(f"{size}/{number}" for size in GRIDS for number in range(CELLS)), *HELD]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--output", type=Path, help="a JSON file that keeps what was measured")
    parser.add_argument("--folder", type=Path, help="where made models stay, for a run that goes on part by part")
    given = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    found: dict[str, Any] = read_json(given.output) if given.output and given.output.exists() else {}
    with tempfile.TemporaryDirectory() as temporary:
        scratch = given.folder or Path(temporary)
        for part in given.parts or PARTS:
            if found.get(part, {}).get("versions") == versions():
                continue
            found[part] = {**measured(scratch, part), "versions": versions()}
            print(f"{part}: done", file=sys.stderr, flush=True)
            if given.output:
                write_json(given.output, found)
        report(scratch, found)


def measured(scratch: Path, part: str) -> dict[str, Any]:
    if part in HELD:
        return made(scratch, HELD[part])
    size, number = part.split("/")
    plan = plan_of(scratch, size, GRIDS[size])
    cell = grid(plan, read_anatomy(plan).layers)[int(number)]
    (one,) = [one for one in measure(plan, [cell], STEPS) if isinstance(one, Measured)]
    return {"measured": msgspec.to_builtins(one)}


def made(scratch: Path, held: Held) -> dict[str, Any]:
    """The run itself, by the loop of the training child: CPU seconds and the peak of memory."""
    plan = held_plan(scratch, held)
    (Path(plan.adapter_path) / "run").mkdir(parents=True)
    asked, result = scratch / "plan.yaml", scratch / "result.json"
    asked.write_text(plan.to_yaml())
    child(["punie-training", str(asked), str(result)], mlx_environment())
    return read_json(result)


def held_plan(scratch: Path, held: Held) -> TrainingPlan:
    """Its rows are made where they are not there yet: as many as the run learns from, each once."""
    data = Path(tempfile.mkdtemp(dir=scratch))
    write_chats(data / "train.jsonl", held.knobs["iters"] * held.knobs["batch_size"], held.lengths)
    ours = {"data": str(data), "adapter_path": str(data / "adapter"), "mask": "last", "probes": False}
    ours["overlong"] = "drop"
    return plan_of(scratch, held.size, {**GRIDS[held.size], **held.knobs, **ours})


def plan_of(scratch: Path, size: str, knobs: dict[str, Any]) -> TrainingPlan:
    paths = {"model": str(model_of(scratch, size)), "data": "none", "adapter_path": "none"}
    return parse_plan({**paths, **knobs}, where="benchmark")


def model_of(scratch: Path, size: str) -> Path:
    if size == "tiny":
        return resolve_model(EMBEDDED_MODEL)
    made = scratch / "model"
    return made if (made / "config.json").is_file() else make_model(scratch, size)


def report(scratch: Path, found: dict[str, Any]) -> None:
    rows, lines = list[tuple[str, ...]](), list[dict[str, Any]]()
    if missing := sorted(set(PARTS) - found.keys()):
        print(f"not measured: {', '.join(missing)}", file=sys.stderr)
    for name, held in HELD.items():
        if name not in found or f"{held.size}/1" not in found:
            continue
        time, peak, alone = forecasts(scratch, found, held)
        run = found[name]
        figures = {
            "seconds": (time.seconds, run["cpu_seconds"]),
            "peak": (peak.memory, run["peak_memory"]),
            "config_peak": (alone.memory, run["peak_memory"]),
        }
        errors = {key: predicted / real - 1 for key, (predicted, real) in figures.items()}
        lines.append({"run": name, **figures, "errors": errors, "plus_minus": time.plus_minus})
        sizes = [f"{size / 1e6:,.0f}" for size in (run["peak_memory"], peak.memory, alone.memory)]
        shares = [f"{error:+.1%}" for error in errors.values()]
        spent = [f"{run['cpu_seconds']:.2f}", f"{time.seconds:.2f} +- {time.plus_minus:.2f}", shares[0]]
        rows.append((name, *spent, sizes[0], sizes[1], shares[1], sizes[2], shares[2]))
    columns = ["run", "CPU s", "foretold", "off", "peak MB", "foretold", "off", "from config", "off"]
    print_table(columns, rows)
    print(json.dumps({"benchmark": "forecasts", "runs": lines}))


def forecasts(scratch: Path, found: dict[str, Any], held: Held) -> tuple[Duration, Peak, Peak]:
    """From the grid, with CPU seconds in the place of seconds; the last from the config alone."""
    plan = held_plan(scratch, held)
    anatomy = read_anatomy(plan)
    parts = [f"{held.size}/{number}" for number in range(CELLS)]
    cells = [msgspec.convert(found[part]["measured"], Measured) for part in parts if part in found]
    timed = tuple(msgspec.structs.replace(cell, seconds=cell.cpu_seconds) for cell in cells)
    workload = read_workload(plan, timed[0].loss_route)
    known = measured_costs(Benchmark.of(plan, anatomy, 0.0, timed))
    time = duration_of(known.time, anatomy, plan, workload)
    peaks = (peak_of(fit, anatomy, plan, workload) for fit in (known.memory, counted_memory()))
    return time, *peaks


if __name__ == "__main__":
    main()
