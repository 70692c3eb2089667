"""The loop: a loss that is no number changes nothing, and what caused it is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest
from mlx import nn

from punie.errors import DivergedError
from punie.files import write_jsonl
from punie.training.checkpoint import flat
from punie.training.loop import PunieEngine
from punie.training.rows import read_teaching_rows
from punie.training.steps import Step
from punie.training.student import build_learner, load_student

from .conftest import PlanMaker, chat


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
    steady = {"warmup": 0, "initial_learning_rate": 0.0, "grad_accumulation_steps": 1}
    plan = make_plan(tmp_path, data=str(tmp_path), batch_size=4, iters=3, **steady)
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
