"""Punie's training beside stock `mlx_lm lora`: speed, memory, quality, and what a resumed run becomes.

    python benchmarks/training_vs_stock.py [--output FILE] [CELL ...]

Without cells everything is measured, in about half an hour on two cores; stderr tells how long each cell took. FILE
gets every cell as it is done, so a run that was stopped goes on where it was: a cell that FILE has from this commit is
not measured again. A cell that fails is told of, and the others are measured.

Both sides meet every row exactly once. Rates count real tokens, no padding, per CPU second of the training loop:
loading, tokenizing and validation are left out on both sides, and compiling, which on Linux a child of MLX does; so are
Punie's estimate of memory and its probes, which are made once for a run. Arms alternate, each run is a process of its
own with one BLAS thread, and the better of two runs counts: what else the machine does only slows down. Stock runs
compiled and uncompiled, and the better of these counts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from training_material import LONGEST, SIZES, Lengths, write_chats

from punie.cli.console import print_table
from punie.files import read_json, write_json
from punie.process import mlx_environment
from punie.training.request import parse_plan
from punie.workspace import EMBEDDED_MODEL, resolve_model

ROUNDS = 2
SEEDS = (0, 1, 2)
QUALITY_ROWS, QUALITY_VALID = 160, 40

Found = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """One line of the table. `rows` are learned from once; `ours` are knobs that only Punie gets."""

    what: str
    goal: str
    measure: Callable[[Path, Cell], Found]
    size: str = "1 M"
    batch_size: int = 4
    rows: int = 120
    lengths: Lengths = "skewed"
    tools: bool = False
    work: str = "training"
    ours: dict[str, Any] = field(default_factory=dict)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cells", nargs="*", choices=[[], *CELLS], metavar="CELL", help=", ".join(CELLS))
    parser.add_argument("--output", type=Path, help="a JSON file that keeps what was measured")
    given = parser.parse_args()
    found: dict[str, Found] = read_json(given.output) if given.output and given.output.exists() else {}
    failed = list[str]()
    for name in given.cells or CELLS:
        if found.get(name, {}).get("versions") == versions():
            continue
        try:
            found[name] = measured(CELLS[name])
        except ChildFailed as error:
            failed.append(name)
            print(f"{name}: {error}", file=sys.stderr, flush=True)
            continue
        print(f"{name}: {found[name]['seconds']} s", file=sys.stderr, flush=True)
        if given.output:
            write_json(given.output, found)
    report(found)
    if failed:
        raise SystemExit(f"Not measured: {', '.join(failed)}")


def measured(cell: Cell) -> Found:
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        figures = cell.measure(Path(scratch), cell)
    return {**figures, "seconds": round(time.perf_counter() - began), "versions": versions()}


def speed(folder: Path, cell: Cell) -> Found:
    """Real tokens per CPU second and per second, and MLX's peak memory."""
    model = make_model(folder, cell.size)
    data = folder / "data"
    write_chats(data / "train.jsonl", cell.rows, cell.lengths, tools=cell.tools)
    if cell.work == "validation":
        (data / "train.jsonl").rename(data / "valid.jsonl")
        write_chats(data / "train.jsonl", cell.batch_size, cell.lengths)
    knobs = {"model": str(model), "data": str(data), "batch_size": cell.batch_size, "val_batches": -1}
    ours = {**knobs, **cell.ours}
    if cell.ours:
        ours["iters"] = run(folder, "epoch", ours, cell)["steps"]
    arms: dict[str, list[Found]] = {"stock": [], "punie": []}
    for _ in range(ROUNDS):
        for compiled in (False, True):
            arms["stock"].append(run(folder, f"stock-{cell.work}", knobs, cell, compiled=compiled))
        arms["punie"].append(run(folder, f"punie-{cell.work}", ours, cell))
    return {name: best(runs) for name, runs in arms.items()}


def best(runs: list[Found]) -> Found:
    fastest = max(runs, key=lambda run: run["tokens"] / run["cpu_seconds"])
    return {
        "tokens_per_cpu_second": round(fastest["tokens"] / fastest["cpu_seconds"]),
        "tokens_per_second": round(max(run["tokens"] / run["seconds"] for run in runs)),
        "peak_memory": min(run["peak_memory"] for run in runs),
        "tokens": fastest["tokens"],
        "compiled": fastest["compiled"],
    }


def quality(folder: Path, cell: Cell) -> Found:
    """Validation loss of the embedded model after the same rows, for several seeds, scored by the same code."""
    write_chats(folder / "data" / "train.jsonl", cell.rows, cell.lengths)
    write_chats(folder / "score" / "train.jsonl", cell.batch_size, cell.lengths)
    write_chats(folder / "score" / "valid.jsonl", QUALITY_VALID, cell.lengths, seed=1)
    model = str(resolve_model(EMBEDDED_MODEL))

    def loss(side: str, seed: int) -> float:
        knobs = {"model": model, "seed": seed, "learning_rate": 1e-3, "adapter_path": str(folder / f"{side}-{seed}")}
        run(folder, f"{side}-training", {**knobs, "data": str(folder / "data")}, cell)
        return run(folder, "score", {**knobs, "data": str(folder / "score"), "val_batches": -1}, cell)["loss"]

    return {side: [round(loss(side, seed), 4) for seed in SEEDS] for side in ("stock", "punie")}


def resume(folder: Path, cell: Cell) -> Found:
    """Whether a run that was stopped in the middle and went on has the bytes of one that was not."""
    write_chats(folder / "data" / "train.jsonl", cell.rows, cell.lengths)
    knobs = {"model": str(resolve_model(EMBEDDED_MODEL)), "data": str(folder / "data"), "dropout": 0.1}
    knobs |= {"learning_rate": 1e-3, "optimizer": "adamw", "schedule": "cosine"}
    whole, parts = ({**knobs, "adapter_path": str(folder / name)} for name in ("whole", "parts"))
    run(folder, "punie-whole", whole, cell)
    run(folder, "punie-stopped", parts, cell)
    run(folder, "punie-whole", parts, cell)
    weights = [(folder / name / "adapters.safetensors").read_bytes() for name in ("whole", "parts")]
    return {"bit_identical": weights[0] == weights[1]}


def tokenizing(folder: Path, cell: Cell) -> Found:
    """The share of a run's time that goes into rows, LoRA layers and optimizer before the first step, run by run."""
    write_chats(folder / "data" / "train.jsonl", cell.rows, cell.lengths)
    knobs = {"model": str(make_model(folder, cell.size)), "data": str(folder / "data")}
    runs = [run(folder, "punie-whole", knobs, cell) for _ in range(2)]
    return {"shares": [round(one["tokenizing"] / one["seconds"], 4) for one in runs]}


CELLS = {
    "skewed-1m": Cell("skewed lengths, 1 M, batch 4", ">= 3.2x, <= 0.45x", speed),
    "skewed-4m": Cell("skewed lengths, 4 M, batch 4", ">= 2.8x, <= 0.45x", speed, size="4 M", rows=48),
    "skewed-15m": Cell("skewed lengths, 15 M, batch 4", ">= 2.5x, <= 0.45x", speed, size="15 M", rows=20),
    "batch-16": Cell("skewed lengths, 1 M, batch 16", ">= 7.5x, <= 0.15x", speed, batch_size=16, rows=64),
    "budget": Cell("skewed lengths, 1 M, 1,024 padded tokens", ">= 3.3x, <= 0.25x", speed, ours={"batch_tokens": 1024}),
    "uniform": Cell("uniform lengths, 1 M, batch 4", ">= 1.7x", speed, lengths="uniform"),
    "tools": Cell("tool calls, 10-20 % learned, skewed, 1 M, batch 4", ">= 3.5x", speed, tools=True),
    "validation": Cell("validation pass, skewed, 1 M, batch 4", ">= 2x", speed, work="validation"),
    "tokenizing": Cell("before the first step, second run", "< 1 %", tokenizing, rows=400),
    "quality": Cell("validation loss, 3 seeds", "within seed noise or better", quality, rows=QUALITY_ROWS),
    "resume": Cell("stopped and resumed", "bit-identical", resume, rows=48),
}


def make_model(folder: Path, size: str) -> Path:
    child(["make", str(folder / "model"), size], mlx_environment())
    return folder / "model"


def run(folder: Path, task: str, knobs: Found, cell: Cell, *, compiled: bool = False) -> Found:
    """One child's result. Every run has a folder of its own, unless the knobs name one."""
    work = Path(tempfile.mkdtemp(dir=folder))
    given = {"batch_size": cell.batch_size, "iters": cell.rows // cell.batch_size, "num_layers": 4, "mask": "last"}
    given |= {"max_seq_length": LONGEST, "learning_rate": 1e-4, "adapter_path": str(work / "adapter"), "probes": False}
    plan = parse_plan({**given, **knobs}, where="benchmark")
    (Path(plan.adapter_path) / "run").mkdir(parents=True, exist_ok=True)
    (work / "plan.yaml").write_text(plan.to_yaml())
    environment = mlx_environment()
    if compiled:
        environment.pop("MLX_DISABLE_COMPILE", None)
    child([task, str(work / "plan.yaml"), str(work / "result.json")], environment)
    return {**read_json(work / "result.json"), "compiled": compiled}


class ChildFailed(SystemExit):
    """Ends a script that does not expect it, with the end of what the child said."""


def child(arguments: list[str], environment: dict[str, str]) -> None:
    """Threads inside a matrix product that wait for each other would be counted as CPU time: each child has one."""
    command = [sys.executable, str(Path(__file__).with_name("training_arms.py")), *arguments]
    threads = {"OPENBLAS_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env={**environment, **threads}, capture_output=True, text=True)
    if done.returncode:
        raise ChildFailed(f"{' '.join(arguments)} failed:\n{done.stderr[-2000:]}")


def versions() -> dict[str, str]:
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True
    ).stdout.strip()
    packages = {name: version(name) for name in ("mlx", "mlx-lm")}
    return {"commit": described, **packages, "python": sys.version.split()[0], "cores": str(os.cpu_count())}


def report(found: dict[str, Found]) -> None:
    rows = []
    for name in [name for name in CELLS if name in found]:
        said = SAID[CELLS[name].measure](found[name])
        rows.append((CELLS[name].what, CELLS[name].goal, *said, found[name]["versions"]["commit"]))
    print_table(["data", "goal", "measured", "stock", "Punie", "commit"], rows)
    print(json.dumps({"benchmark": "training_vs_stock", "sizes": list(SIZES), "cells": found}))


def say_speed(found: Found) -> tuple[str, str, str]:
    stock, ours = found["stock"], found["punie"]
    cpu, wall, memory = (ours[k] / stock[k] for k in ("tokens_per_cpu_second", "tokens_per_second", "peak_memory"))

    def rate(arm: Found) -> str:
        return f"{arm['tokens_per_cpu_second']:,} tokens/CPU-s, {arm['peak_memory'] / 1e6:,.0f} MB"

    return f"{cpu:.2f}x ({wall:.2f}x by the clock), {memory:.2f}x memory", rate(stock), rate(ours)


def say_quality(found: Found) -> tuple[str, str, str]:
    sides = [found[side] for side in ("stock", "punie")]
    difference = mean(sides[1]) - mean(sides[0])
    return f"{difference:+.4f}", *(f"{mean(side):.4f}, spread {stdev(side):.4f}" for side in sides)


SAID: dict[Callable[..., Found], Callable[[Found], tuple[str, str, str]]] = {
    speed: say_speed,
    quality: say_quality,
    resume: lambda found: ("yes" if found["bit_identical"] else "no", "", ""),
    tokenizing: lambda found: (f"{found['shares'][1]:.2%}", "", f"first run {found['shares'][0]:.2%}"),
}

if __name__ == "__main__":
    main()
