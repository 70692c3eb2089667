"""The child that counts what a run will compute: `python -m punie.child punie.benchmark.workload_worker ASKED ANSWERS`.

It reads the rows and the tokenizer, and no weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlx_lm.utils import load_tokenizer

from punie.benchmark.asking import answer
from punie.benchmark.workloads import Counted
from punie.training.counting import count_workload
from punie.training.order import validation_order
from punie.training.plan import TrainingPlan
from punie.training.rows import read_teaching_rows
from punie.training.student import learnable_rows


def main() -> None:
    answer(lambda asked: [_counted(asked)])


def _counted(asked: dict[str, Any]) -> Counted:
    plan = TrainingPlan.model_validate(asked["plan"])
    rows = read_teaching_rows(Path(plan.data), 1 if plan.batch_tokens else plan.batch_size)
    train, valid, views = learnable_rows(plan, rows, load_tokenizer(Path(plan.model)))
    looked_at = [valid.rows[index] for index in validation_order(len(valid.rows), plan.seed)]
    return Counted(count_workload(plan, views, train.rows, looked_at, asked["loss_route"]))


if __name__ == "__main__":
    main()
