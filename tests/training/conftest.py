"""A small data folder, and one finished training run in which every knob is turned away from its default."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlx_lm.models.llama import TransformerBlock
from signals import Hit

from punie.errors import InterruptedRun
from punie.files import write_jsonl
from punie.training.metrics import Metric
from punie.training.optimizer import OPTION_NAMES
from punie.training.plan import TrainingPlan
from punie.training.request import parse_plan
from punie.training.runner import TrainingOutcome, train

KNOBS = {
    "iters": 12,
    "batch_size": 3,
    "learning_rate": 3e-3,
    "schedule": "cosine",
    "warmup": 2,
    "initial_learning_rate": 1e-5,
    "decay": 2,
    "final_learning_rate": 1e-4,
    "optimizer": "adamw",
    "weight_decay": 0.02,
    "betas": [0.8, 0.95],
    "eps": 1e-6,
    "bias_correction": True,
    "num_layers": 2,
    "rank": 4,
    "scale": 2.0,
    "dropout": 0.1,
    "keys": ["q_proj", "self_attn.v_proj", "down_proj"],
    "max_seq_length": 256,
    "overlong": "drop",
    "mask": "assistant",
    "grad_checkpoint": True,
    "grad_accumulation_steps": 2,
    "seed": 7,
    "steps_per_report": 1,
    "steps_per_eval": 6,
    "val_batches": 2,
    "save_every": 4,
    "keep_checkpoints": 3,
    "select": "last",
    "patience": 4,
    "min_delta": 0.001,
    "memory_limit": 4.0,
}

MLX_OPTIONS: dict[str, None] = dict.fromkeys(OPTION_NAMES)
"""To take back what KNOBS says about the options of adamw, for another optimizer."""

CHILD = "punie.training.worker"

PlanMaker = Callable[..., TrainingPlan]
Stopper = Callable[[TrainingPlan, int], None]


@dataclass(frozen=True, slots=True)
class FinishedRun:
    plan: TrainingPlan
    outcome: TrainingOutcome
    metrics: tuple[Metric, ...]

    @property
    def folder(self) -> Path:
        return Path(self.outcome.adapter_path)


@pytest.fixture(autouse=True)
def _layers_as_mlx_lm_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its gradient checkpointing changes their class, for every model of the process."""
    monkeypatch.setattr(TransformerBlock, "__call__", TransformerBlock.__call__)


@pytest.fixture
def stop_at_save(monkeypatch: pytest.MonkeyPatch) -> Stopper:
    """Train a plan until a save, after which the child is asked to stop."""

    def stop(plan: TrainingPlan, save: int) -> None:
        with monkeypatch.context() as during:
            Hit(CHILD, f"os.rename state.safetensors {save}", "SIGTERM").arm(during)
            with pytest.raises(InterruptedRun, match="iterations are saved"):
                train(plan)

    return stop


def chat(number: int) -> dict:
    answer = f"{number} and {number + 1}. " * (1 + number % 3)
    return {"messages": [{"role": "user", "content": f"count {number}"}, {"role": "assistant", "content": answer}]}


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 chats to learn from; 4 to validate on, fewer than two batches."""
    folder = tmp_path_factory.mktemp("data")
    write_jsonl(folder / "train.jsonl", map(chat, range(16)))
    write_jsonl(folder / "valid.jsonl", map(chat, range(50, 54)))
    return folder


@pytest.fixture(scope="session")
def make_plan(tiny_model: Path, data: Path) -> PlanMaker:
    """A plan for the tiny model, with every knob turned; `changes` turns some of them otherwise."""

    def make(adapter_path: Path, **changes: object) -> TrainingPlan:
        paths = {"model": str(tiny_model), "data": str(data), "adapter_path": str(adapter_path)}
        return parse_plan({**paths, **KNOBS, **changes}, where="test")

    return make


@pytest.fixture(scope="session")
def finished(make_plan: PlanMaker, tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    plan = make_plan(tmp_path_factory.mktemp("runs") / "finished")
    heard: list[Metric] = []
    return FinishedRun(plan, train(plan, on_metric=heard.append), tuple(heard))
