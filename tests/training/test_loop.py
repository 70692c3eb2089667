"""The loop: a loss that is no number changes nothing, and every batching goes on where it stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest
from mlx import nn

from punie.errors import DivergedError
from punie.files import make_folder, write_jsonl
from punie.training.adapter import AdapterFolder
from punie.training.checkpoint import flat, save_state
from punie.training.loop import PunieEngine
from punie.training.metrics import Echo, Metric, TrainLoss
from punie.training.progress import Progress
from punie.training.rows import read_teaching_rows
from punie.training.runner import train
from punie.training.steps import Engine, Step
from punie.training.stock import StockEngine
from punie.training.student import Learner, build_learner, load_student

from .conftest import PlanMaker, chat

STEADY = {"warmup": 0, "initial_learning_rate": 0.0, "decay": None}


class Poisoned(nn.Embedding):
    """An embedding in which one token stands for no number; as a head it is sound."""

    token = -1

    def __call__(self, tokens: mx.array) -> mx.array:
        return mx.where((tokens == self.token)[..., None], mx.nan, super().__call__(tokens))


class Deaf:
    """A listener that does nothing."""

    def begin(self, values: dict[str, Any]) -> None: ...

    def at_rest(self) -> None: ...

    def after(self, step: Step) -> None: ...


def test_a_bad_row_is_named_before_it_does_harm(make_plan: PlanMaker, tmp_path: Path) -> None:
    """Only the row that gives no number is named, by its line, and no weight has changed."""
    rows = [chat(number) for number in range(4)]
    rows[2]["messages"][0]["content"] += " ~"
    write_jsonl(tmp_path / "train.jsonl", rows)
    plan = make_plan(tmp_path, data=str(tmp_path), batch_size=4, grad_accumulation_steps=1, iters=3, **STEADY)
    model, tokenizer = load_student(plan)
    learner = build_learner(plan, read_teaching_rows(tmp_path, 4), model, tokenizer)
    embedding = model.model.embed_tokens
    embedding.__class__ = Poisoned
    embedding.token = tokenizer.encode("~", add_special_tokens=False)[-1]
    before = {name: mx.array(weight) for name, weight in flat(model.trainable_parameters()).items()}
    with pytest.raises(DivergedError, match=r"nan at iteration 1, .* on row 3\.") as caught:
        PunieEngine(plan, learner, 0).run(Deaf())
    assert caught.value.where == str(tmp_path / "train.jsonl")
    after = flat(model.trainable_parameters())
    assert all(mx.array_equal(weight, after[name]).item() for name, weight in before.items())


class Saver(Deaf):
    """A listener that saves the state after so many steps, as a session does."""

    def __init__(self, learner: Learner, path: Path, after: int) -> None:
        self.learner, self.path, self.left = learner, path, after

    def at_rest(self) -> None:
        if self.left == 0:
            save_state(self.path, self.learner.model, self.learner.optimizer, Progress("model", "data"))
        self.left -= 1


@pytest.mark.parametrize("changes", [{"batch_tokens": 256}, {"packing": True}, {"batch_tokens": 256, "packing": True}])
def test_every_batching_resumes_bit_for_bit(make_plan: PlanMaker, tmp_path: Path, changes: dict[str, Any]) -> None:
    """Four steps of six, a new process's start from the saved state, and the same weights at the end."""
    plan = make_plan(tmp_path / "run", iters=6, batch_size=4, grad_checkpoint=False, **STEADY, **changes)
    rows = read_teaching_rows(Path(plan.data), 4)
    ends = []
    for first in (0, 4):
        learner = build_learner(plan, rows, *load_student(plan))
        PunieEngine(plan, learner, first).run(Saver(learner, AdapterFolder.of(plan).state, 4 - first))
        ends.append(flat(learner.model.trainable_parameters()))
    assert all(mx.array_equal(weight, ends[1][name]).item() for name, weight in ends[0].items())


class Validator(Deaf):
    """A listener that looks at the validation rows before every step, or never, and keeps what it hears."""

    def __init__(self, engine: Engine, looks: bool) -> None:
        self.engine, self.looks = engine, looks
        self.losses, self.rows = list[float](), list[int]()

    def at_rest(self) -> None:
        if self.looks:
            self.rows.append(self.engine.validate(self.engine.learner.valid_rows).rows)

    def after(self, step: Step) -> None:
        self.losses.append(step.loss)


@pytest.mark.parametrize("kind", [PunieEngine, StockEngine])
def test_validation_leaves_training_alone(make_plan: PlanMaker, tmp_path: Path, kind: type[Engine]) -> None:
    """Order, dropout and weights are the same whether one validates before every step or never."""
    mask = {"engine": "mlx-lm", "mask": "last"} if kind is StockEngine else {}
    plan = make_plan(tmp_path / "run", iters=4, val_batches=1, grad_checkpoint=False, **STEADY, **mask)
    rows = read_teaching_rows(Path(plan.data), 3)
    make_folder(AdapterFolder.of(plan).unfinished)
    ends, heard = [], []
    for looks in (True, False):
        learner = build_learner(plan, rows, *load_student(plan))
        engine = kind(plan, learner, 0)
        listener = Validator(engine, looks)
        engine.run(listener)
        ends.append(flat(learner.model.trainable_parameters()))
        heard.append(listener)
    assert heard[0].losses == heard[1].losses
    assert heard[0].rows == [3] * 4
    assert all(mx.array_equal(weight, ends[1][name]).item() for name, weight in ends[0].items())


def test_packs_and_budgets_reach_the_trainer(make_plan: PlanMaker, tmp_path: Path) -> None:
    """A run with both is read back like any other, and packs hardly pad."""
    heard: list[Metric] = []
    plan = make_plan(tmp_path / "run", batch_size=4, batch_tokens=512, packing=True, iters=4, **STEADY)
    outcome = train(plan, on_metric=heard.append)
    assert outcome.valid_loss is not None
    (echo,) = (metric for metric in heard if isinstance(metric, Echo))
    assert (echo.values["batch_size"], echo.values["batch_tokens"], echo.values["packing"]) == (None, 512, True)
    assert all(metric.padding < 0.3 for metric in heard if isinstance(metric, TrainLoss))
