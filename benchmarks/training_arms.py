"""What a child of training_vs_stock.py does: `python training_arms.py TASK PLAN RESULT`, or `... make FOLDER SIZE`."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from itertools import accumulate, count
from pathlib import Path
from typing import Any

import mlx.core as mx
import yaml
from mlx_lm import lora
from mlx_lm.tuner.trainer import evaluate
from training_material import make_model

from punie.curriculum.epochs import Shuffled
from punie.errors import InterruptedRun
from punie.files import write_json
from punie.training import worker
from punie.training.adapter import AdapterFolder
from punie.training.batches import TokenRow
from punie.training.batching import batching
from punie.training.loop import PunieEngine
from punie.training.metrics import Done
from punie.training.plan import TrainingPlan
from punie.training.request import load_plan
from punie.training.rows import read_teaching_rows
from punie.training.session import Session
from punie.training.student import Learner, build_learner, load_student
from punie.training.world import find_world


def main() -> None:
    if sys.argv[1] == "make":
        return make_model(Path(sys.argv[2]), sys.argv[3])
    write_json(Path(sys.argv[3]), TASKS[sys.argv[1]](load_plan(Path(sys.argv[2]))))


def timed(work: Callable[[], Any]) -> dict[str, float]:
    """What some work costs; whatever it returns is left aside."""
    mx.reset_peak_memory()
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return {
        "cpu_seconds": time.process_time() - cpu,
        "seconds": time.perf_counter() - wall,
        "peak_memory": mx.get_peak_memory(),
        "resident": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def stock_training(plan: TrainingPlan) -> dict[str, float]:
    """mlx-lm's own command with its own batches. Its rows are tokenized before the clock starts."""
    original, found = lora.train, dict[str, float]()

    def train(model: Any, optimizer: Any, train_dataset: Any, val_dataset: Any, **others: Any) -> None:
        tokens = sum(min(len(train_dataset[index][0]), plan.max_seq_length) for index in range(len(train_dataset)))
        given = {"model": model, "optimizer": optimizer, "train_dataset": train_dataset, "val_dataset": val_dataset}
        found.update(timed(lambda: original(**given, **others)), tokens=tokens)

    lora.train = train
    stock_command(plan)
    return found


def stock_validation(plan: TrainingPlan) -> dict[str, float]:
    """mlx-lm's own evaluation of every validation row, on a model with LoRA layers."""
    found: dict[str, float] = {}

    def train(model: Any, optimizer: Any, train_dataset: Any, val_dataset: Any, **_: Any) -> None:
        tokens = sum(min(len(val_dataset[index][0]), plan.max_seq_length) for index in range(len(val_dataset)))
        given = {"batch_size": plan.batch_size, "num_batches": -1, "max_seq_length": plan.max_seq_length}
        found.update(timed(lambda: evaluate(model, val_dataset, **given)), tokens=tokens)

    lora.train = train
    stock_command(plan)
    return found


def stock_command(plan: TrainingPlan) -> None:
    config = Path(plan.adapter_path).with_suffix(".yaml")
    config.write_text(yaml.safe_dump(plan.to_mlx_lm()))
    sys.argv = ["mlx_lm lora", "--config", str(config)]
    lora.main()


def punie_training(plan: TrainingPlan) -> dict[str, float]:
    """Punie's session, as its training child runs it, without its estimate of memory: that is made once for a run."""
    original, estimated = Session.run, PunieEngine.needs
    found, estimate = dict[str, float](), dict[str, float]()

    def needs(self: PunieEngine) -> Any:
        kept: list[Any] = []
        estimate.update(timed(lambda: kept.append(estimated(self))))
        return kept[0]

    def run(self: Session) -> Any:
        done: list[Any] = []
        found.update(timed(lambda: done.append(original(self))), tokens=done[0].tokens)
        found.update({key: found[key] - estimate[key] for key in ("cpu_seconds", "seconds")})
        found["estimate_cpu_seconds"] = estimate["cpu_seconds"]
        return done[0]

    PunieEngine.needs = needs  # ty: ignore[invalid-assignment]
    Session.run = run  # ty: ignore[invalid-assignment]
    learn(plan)
    return found


def learn(plan: TrainingPlan) -> Done:
    """What the training child does, and its parent after it."""
    done = worker.learn(plan, find_world(), lambda: False)
    folder = AdapterFolder.of(plan)
    (folder.unfinished / folder.weights.name).rename(folder.weights)
    return done


def punie_validation(plan: TrainingPlan) -> dict[str, float]:
    learner = make_learner(plan)
    tokens = sum(min(len(row.tokens), plan.max_seq_length) for row in learner.valid_rows)
    engine = PunieEngine(plan, learner, 0)
    return {**timed(lambda: engine.validate(learner.valid_rows)), "tokens": tokens}


def make_learner(plan: TrainingPlan) -> Learner:
    return build_learner(plan, read_teaching_rows(Path(plan.data), plan.batch_size), *load_student(plan))


def score(plan: TrainingPlan) -> dict[str, float]:
    """The validation loss of a finished adapter, of either side by the same code: mean over all learned tokens."""
    learner = make_learner(plan)
    learner.model.load_weights(str(Path(plan.adapter_path) / "adapters.safetensors"), strict=False)
    return {"loss": PunieEngine(plan, learner, 0).validate(learner.valid_rows).loss}


def tokens(plan: TrainingPlan) -> dict[str, Any]:
    """The rows as token ids, and which of them are learned, in the words of TRL."""
    rows = make_learner(plan).train_rows

    def mask(row: TokenRow) -> list[int]:
        learned = set(row.learned(plan.max_seq_length).tolist())
        return [int(place in learned) for place in range(len(row.tokens))]

    return {"rows": [{"input_ids": list(row.tokens), "completion_mask": mask(row)} for row in rows]}


def epoch(plan: TrainingPlan) -> dict[str, int]:
    """How many steps it takes to learn from every row once."""
    rows = make_learner(plan).train_rows
    seen = accumulate(
        len(step) for step in batching(plan).order(rows, Shuffled(range(len(rows)), plan.seed), plan.seed)
    )
    return {"steps": 1 + next(number for number, sum_of_rows in enumerate(seen) if sum_of_rows >= len(rows))}


def punie_stopped(plan: TrainingPlan) -> dict[str, float]:
    """A run that is asked to stop in the middle, and saves its state."""
    rests = count(1)
    try:
        worker.learn(plan, find_world(), lambda: next(rests) > plan.iters // 2)
    except InterruptedRun:
        return {}
    raise SystemExit("The run did not stop.")


def punie_whole(plan: TrainingPlan) -> dict[str, float]:
    """A run to its end, from the saved state if there is one. Tells what share of its time went into tokenizing."""
    began = time.perf_counter()
    done = learn(plan)
    lines = (Path(plan.adapter_path) / "run" / "metrics.jsonl").read_text().splitlines()
    echo = next(line for line in map(json.loads, lines) if line["event"] == "echo")
    seconds = time.perf_counter() - began
    return {"tokenizing": echo["prepare_seconds"], "seconds": seconds, "iterations": done.iterations}


TASKS: dict[str, Callable[[TrainingPlan], dict[str, Any]]] = {
    "stock-training": stock_training,
    "punie-training": punie_training,
    "stock-validation": stock_validation,
    "punie-validation": punie_validation,
    "punie-stopped": punie_stopped,
    "punie-whole": punie_whole,
    "score": score,
    "epoch": epoch,
    "tokens": tokens,
}

if __name__ == "__main__":
    main()
