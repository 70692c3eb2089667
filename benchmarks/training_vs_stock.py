"""LoRA on rows of skewed lengths: Punie's engine and stock `mlx_lm lora`, alternating, same model, rows and seed.

    python benchmarks/training_vs_stock.py [CELL ...]

Real tokens (no padding) per CPU second of the training loop, and MLX's peak memory. Loading and tokenizing are left out
on both sides; neither validates. Cells are numbered from 1; all of them take a few minutes. Every arm is a child of its
own, which this file also is: `... arm NAME PLAN RESULT`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from tokenizers import Tokenizer

from punie.cli.console import print_table
from punie.files import read_json, write_json, write_jsonl
from punie.process import mlx_environment
from punie.training.plan import TrainingPlan
from punie.training.request import load_plan, parse_plan
from punie.workspace import EMBEDDED_MODEL, resolve_model

ROWS, MEDIAN, SIGMA, LONGEST, SUPERVISED = 400, 120, 1.07, 1024, 0.4
"""Log-normal lengths in tokens: this sigma puts the 95th percentile at 700."""

SIZES = {"1 M": {"hidden_size": 128, "vocab_size": 2048}, "4 M": {"hidden_size": 256, "vocab_size": 4096}}


ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Cell:
    size: str
    batch_size: int
    iters: int


CELLS = (Cell("1 M", 4, 24), Cell("4 M", 4, 8), Cell("1 M", 16, 6), Cell("4 M", 16, 2))


def main() -> None:
    if sys.argv[1:2] == ["make"]:
        return make_model(Path(sys.argv[2]), sys.argv[3])
    if sys.argv[1:2] == ["arm"]:
        return ARMS[sys.argv[2]](load_plan(Path(sys.argv[3])), Path(sys.argv[4]))
    cells = [CELLS[int(number) - 1] for number in sys.argv[1:]] or CELLS
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_rows(folder / "data")
        for size in SIZES:
            run_child("make", str(folder / size), size)
        report([measure(folder, cell) for cell in cells])


def write_rows(folder: Path) -> None:
    """Chats whose prompt and answer are pieces of one long text of random words."""
    draw = np.random.default_rng(0)
    words = " ".join(f"{draw.choice(['def', 'return', 'for', 'value', 'list'])} x{number}" for number in range(9000))
    tokenizer = Tokenizer.from_file(str(resolve_model(EMBEDDED_MODEL) / "tokenizer.json"))
    ids = tokenizer.encode(words).ids

    def piece(count: int) -> str:
        start = int(draw.integers(0, len(ids) - count))
        return tokenizer.decode(ids[start : start + count])

    def chat(length: int) -> dict[str, Any]:
        answer = max(1, round(SUPERVISED * length))
        turns = {"user": piece(max(1, length - answer)), "assistant": piece(answer)}
        return {"messages": [{"role": role, "content": content} for role, content in turns.items()]}

    lengths = draw.lognormal(np.log(MEDIAN), SIGMA, ROWS).astype(int).clip(8, LONGEST)
    write_jsonl(folder / "train.jsonl", map(chat, lengths.tolist()))


def make_model(folder: Path, size: str) -> None:
    """A model of the Qwen2 type with random weights and the embedded model's tokenizer."""
    import mlx.core as mx
    from mlx.utils import tree_flatten
    from mlx_lm.models import qwen2
    from mlx_lm.utils import load_tokenizer

    hidden = SIZES[size]["hidden_size"]
    config = {
        **SIZES[size],
        "model_type": "qwen2",
        "num_hidden_layers": 4,
        "intermediate_size": hidden * 11 // 4,
        "num_attention_heads": hidden // 32,
        "num_key_value_heads": hidden // 32,
        "rms_norm_eps": 1e-6,
        "tie_word_embeddings": True,
        "eos_token_id": 2,
    }
    mx.random.seed(0)
    model = qwen2.Model(qwen2.ModelArgs.from_dict(config))
    load_tokenizer(resolve_model(EMBEDDED_MODEL)).save_pretrained(folder)
    mx.save_safetensors(str(folder / "model.safetensors"), dict(tree_flatten(model.parameters())))
    write_json(folder / "config.json", config)


def measure(folder: Path, cell: Cell) -> dict[str, Any]:
    """Both arms in turn, twice. The better of each: what else the machine does only slows down."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ARMS}
    for number in range(ROUNDS):
        for name, results in found.items():
            work = folder / f"{cell.size}-{cell.batch_size}-{name}-{number}"
            knobs = {"iters": cell.iters, "batch_size": cell.batch_size, "num_layers": 4, "max_seq_length": LONGEST}
            paths = {"model": str(folder / cell.size), "data": str(folder / "data"), "adapter_path": str(work)}
            plan = parse_plan({**knobs, **paths, "mask": "last", "learning_rate": 1e-4}, where="benchmark")
            work.mkdir()
            (work / "plan.yaml").write_text(plan.to_yaml())
            run_child("arm", name, str(work / "plan.yaml"), str(work / "result.json"))
            results.append(read_json(work / "result.json"))
    best = {name: max(results, key=lambda result: result["tokens_per_cpu_second"]) for name, results in found.items()}
    return {"model": cell.size, "batch_size": cell.batch_size, "iters": cell.iters, **best}


def run_child(*arguments: str) -> None:
    """Threads inside a matrix product that wait for each other would be counted as CPU time: each arm has one."""
    environment = {**mlx_environment(), "OPENBLAS_NUM_THREADS": "1"}
    with Path(tempfile.gettempdir(), "training_vs_stock.log").open("ab") as log:
        command = [sys.executable, __file__, *arguments]
        subprocess.run(command, env=environment, check=True, stdout=log, stderr=log)


def timed(work: Callable[[], int]) -> dict[str, float]:
    """Rates of some work that returns how many real tokens it went through."""
    import mlx.core as mx

    mx.reset_peak_memory()
    cpu, wall = time.process_time(), time.perf_counter()
    tokens = work()
    return {
        "tokens_per_cpu_second": tokens / (time.process_time() - cpu),
        "tokens_per_second": tokens / (time.perf_counter() - wall),
        "peak_memory": mx.get_peak_memory(),
    }


def stock_arm(plan: TrainingPlan, result: Path) -> None:
    """mlx-lm's own command with its own batches; real tokens are counted as it asks for rows."""
    from mlx_lm import lora

    asked: list[int] = []
    original = lora.train

    def train(model: Any, optimizer: Any, train_dataset: Any, val_dataset: Any, **others: Any) -> None:
        class Counted(type(train_dataset)):
            def __getitem__(self, index: int) -> Any:
                row = super().__getitem__(index)
                asked.append(min(len(row[0]), plan.max_seq_length))
                return row

        train_dataset.__class__ = Counted
        for index in range(len(train_dataset)):
            train_dataset[index]
        asked.clear()

        def work() -> int:
            original(model=model, optimizer=optimizer, train_dataset=train_dataset, val_dataset=val_dataset, **others)
            return sum(asked[: plan.iters * plan.batch_size])

        write_json(result, timed(work))

    lora.train = train
    config = result.with_name("stock.yaml")
    config.write_text(yaml.safe_dump(plan.to_mlx_lm()))
    sys.argv = ["mlx_lm lora", "--config", str(config)]
    lora.main()


def punie_arm(plan: TrainingPlan, result: Path) -> None:
    """Punie's session, as its training child runs it."""
    from punie.training import worker
    from punie.training.session import Session

    original = Session.run

    def run(self: Session) -> Any:
        done: list[Any] = []

        def work() -> int:
            done.append(original(self))
            return done[0].tokens

        write_json(result, timed(work))
        return done[0]

    Session.run = run  # ty: ignore[invalid-assignment]
    (Path(plan.adapter_path) / "run").mkdir()
    worker.learn(plan, lambda: False)


ARMS: dict[str, Callable[[TrainingPlan, Path], None]] = {"stock": stock_arm, "punie": punie_arm}


def report(cells: list[dict[str, Any]]) -> None:
    rows = []
    for cell in cells:
        stock, ours = cell["stock"], cell["punie"]
        speed, memory = (ours[key] / stock[key] for key in ("tokens_per_cpu_second", "peak_memory"))
        cell |= {"speed_ratio": round(speed, 2), "memory_ratio": round(memory, 2)}
        rates = [f"{arm['tokens_per_cpu_second']:,.0f}" for arm in (stock, ours)]
        peaks = [f"{arm['peak_memory'] / 1e6:,.0f}" for arm in (stock, ours)]
        rows.append((cell["model"], str(cell["batch_size"]), *rates, f"{speed:.2f}x", *peaks, f"{memory:.2f}x"))
    columns = ["model", "batch", "stock tokens/CPU-s", "punie", "ratio", "stock peak MB", "punie", "ratio"]
    print_table(columns, rows)
    print(json.dumps({"benchmark": "training_vs_stock", "rows": ROWS, "cells": cells}))


if __name__ == "__main__":
    main()
