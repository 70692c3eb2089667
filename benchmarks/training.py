"""LoRA on the sample chats: Punie's trainer and stock `mlx_lm lora`, side by side, same plan.

    python benchmarks/training.py [ITERS]

Whole processes, loading included, both uncompiled on Linux.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import yaml

from punie.cli.console import print_table
from punie.generate.sample import write_tiny
from punie.process import Child
from punie.training.plan import TrainingPlan
from punie.training.presets import preset
from punie.training.request import parse_plan
from punie.training.resolving import resolve_plan
from punie.training.runner import train
from punie.workspace import EMBEDDED_MODEL, resolve_model


def main() -> None:
    iters = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_tiny(folder / "data", 1000, seed=0)
        ours, stock = punie_seconds(plan_for(folder, "punie", iters)), stock_seconds(plan_for(folder, "stock", iters))
    rows = [("punie train", f"{ours:.1f}", "1.00"), ("mlx_lm lora", f"{stock:.1f}", f"{stock / ours:.2f}")]
    print_table(["trainer", "seconds", "ratio"], rows)
    print(json.dumps({"iters": iters, "punie_seconds": round(ours, 1), "stock_seconds": round(stock, 1)}))


def plan_for(folder: Path, name: str, iters: int) -> TrainingPlan:
    paths = {"model": EMBEDDED_MODEL, "data": str(folder / "data"), "adapter_path": str(folder / name)}
    return parse_plan({**preset(resolve_model(EMBEDDED_MODEL), iters), **paths}, where="benchmark")


def punie_seconds(plan: TrainingPlan) -> float:
    began = time.perf_counter()
    train(plan)
    return time.perf_counter() - began


def stock_seconds(plan: TrainingPlan) -> float:
    """The same plan through mlx-lm's own command, in the same environment."""
    config = Path(plan.adapter_path).with_suffix(".yaml")
    config.write_text(yaml.safe_dump(resolve_plan(plan).to_mlx_lm()))
    began = time.perf_counter()
    with Child("mlx_lm", "lora", "--config", str(config), log=config.with_suffix(".log")) as child:
        child.wait()
        if not (Path(plan.adapter_path) / "adapters.safetensors").is_file():
            raise SystemExit(child.last_lines())
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
