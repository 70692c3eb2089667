"""Punie's training beside PyTorch with PEFT and TRL on the same CPU: same shapes, same token ids, float32, one thread.

    python benchmarks/training_vs_trl.py --python ENVIRONMENT/bin/python [--size "1 M"] [--rows 120]

The environment needs torch, transformers, peft, trl and datasets. Every row is learned from once, in batches of 4. Real
tokens per CPU second of the training loop, and the largest resident size of the whole process; the better of two runs,
all of them in turn. The weights are random on both sides, and not the same.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from training_material import LONGEST, SIZES, shape, write_chats
from training_vs_stock import ROUNDS, Cell, Found, make_model, run, speed

from punie.cli.console import print_table
from punie.files import read_json, write_json

BATCH = 4
TRL = {
    "TRL, its defaults": {},
    "TRL, no checkpointing": {"gradient_checkpointing": False},
    "TRL, and rows grouped by length": {
        "gradient_checkpointing": False,
        "train_sampling_strategy": "group_by_length",
    },
    "TRL, and packed (rows see each other)": {"gradient_checkpointing": False, "packing": True, "max_length": LONGEST},
}
"""Batch and epochs are given to all of them. Its padding-free batches need attention kernels of a GPU."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, required=True, help="the interpreter of an environment with TRL")
    parser.add_argument("--size", choices=SIZES, default="1 M")
    parser.add_argument("--rows", type=int, default=120)
    given = parser.parse_args()
    if not given.python.exists():
        raise SystemExit(f"{given.python} is not there, so there is nothing to measure beside.")
    with tempfile.TemporaryDirectory() as scratch:
        report(measure(Path(scratch), given.python, given.size, given.rows))


def measure(folder: Path, python: Path, size: str, rows: int) -> dict[str, list[Found]]:
    write_chats(folder / "data" / "train.jsonl", rows, "skewed")
    knobs = {"model": str(make_model(folder, size)), "data": str(folder / "data")}
    cell = Cell("", "", speed, size=size, batch_size=BATCH, rows=rows)
    tokenized = run(folder, "tokens", knobs, cell)["rows"]
    tokens = sum(min(len(row["input_ids"]), LONGEST) for row in tokenized)
    found: dict[str, list[Found]] = {name: [] for name in ("Punie", *TRL)}
    for _ in range(ROUNDS):
        found["Punie"].append(run(folder, "punie-training", knobs, cell))
        for name, options in TRL.items():
            settings = {"options": {**settings_for_all(), **options}, "rows": tokenized, "model": shape(size)}
            settings |= {"rank": 8, "alpha": 160, "tokenizer": knobs["model"]}
            found[name].append({**trl(folder, python, settings), "tokens": tokens})
    return found


def settings_for_all() -> dict[str, Any]:
    return {"per_device_train_batch_size": BATCH, "num_train_epochs": 1, "learning_rate": 1e-4, "max_length": LONGEST}


def trl(folder: Path, python: Path, settings: dict[str, Any]) -> Found:
    work = Path(tempfile.mkdtemp(dir=folder))
    write_json(work / "settings.json", settings)
    command = [str(python), str(Path(__file__).with_name("trl_arm.py")), str(work / "settings.json")]
    outside = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "LD_PRELOAD")}
    threads = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(
        [*command, str(work / "result.json")], env={**outside, **threads}, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{python} failed:\n{done.stderr[-2000:]}")
    return read_json(work / "result.json")


def report(found: dict[str, list[Found]]) -> None:
    best = {name: min(runs, key=lambda run: run["cpu_seconds"]) for name, runs in found.items()}
    rates = {name: run["tokens"] / run["cpu_seconds"] for name, run in best.items()}
    rows = [
        (
            name,
            f"{rates[name]:,.0f}",
            f"{run['tokens'] / run['seconds']:,.0f}",
            f"{rates['Punie'] / rates[name]:.2f}x",
            f"{run['resident'] / 1e6:,.0f} MB",
        )
        for name, run in best.items()
    ]
    print_table(["trainer", "tokens/CPU-s", "tokens/s", "Punie is", "resident"], rows)
    print(json.dumps({"benchmark": "training_vs_trl", "python": sys.version.split()[0], "best": best}))


if __name__ == "__main__":
    main()
