"""The loss: the same numbers and gradients as mlx-lm's own, from a fraction of the logits."""

from __future__ import annotations

from typing import Any

import mlx.core as mx
import pytest
from mlx import nn
from mlx_lm.tuner.trainer import default_loss

from punie.training import loss as module
from punie.training.batches import TokenRow, make_batch, make_group
from punie.training.checkpoint import flat
from punie.training.head import split_model
from punie.training.loss import group_loss
from punie.training.student import load_student, make_trainable

from .conftest import PlanMaker

ROWS = [TokenRow(range(3, 60), ((20, 57),)), TokenRow(range(100, 130), ((1, 30),)), TokenRow(range(7, 90), ((80, 83),))]


@pytest.fixture
def model(make_plan: PlanMaker, tmp_path: Any) -> Any:
    """The embedded model with LoRA layers that already do something."""
    plan = make_plan(tmp_path, dropout=0.0)
    model, _ = load_student(plan)
    make_trainable(model, plan)
    mx.random.seed(1)
    model.update_modules({})
    for name, weight in flat(model.trainable_parameters()).items():
        model.load_weights([(name, 0.1 * mx.random.normal(weight.shape))], strict=False)
    return model


@pytest.mark.parametrize("chunk", [7, 1024])
@pytest.mark.parametrize("known", [True, False], ids=["learned positions", "full logits"])
def test_loss_and_gradient_are_mlx_lms(model: Any, monkeypatch: pytest.MonkeyPatch, chunk: int, known: bool) -> None:
    """To 1e-5, in one chunk or in many, whether or not the model's halves are known."""
    monkeypatch.setattr(module, "CHUNK", chunk)
    halves = split_model(model, ROWS[0].tokens) if known else None
    group, batch = make_group(ROWS, 256), make_batch(ROWS, 256)
    loss = nn.value_and_grad(
        model, lambda model, *arrays: group_loss(halves)(model, *arrays, None) / len(group.targets)
    )
    ours, gradient = loss(model, mx.array(group.inputs), mx.array(group.places), mx.array(group.targets))
    (theirs, count), reference = nn.value_and_grad(model, default_loss)(
        model, mx.array(batch.tokens), mx.array(batch.spans)
    )
    assert count.item() == len(group.targets)
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-5)
    pairs = [(part, flat(reference)[name]) for name, part in flat(gradient).items()]
    assert all(mx.abs(part - other).max().item() < 1e-5 for part, other in pairs)
    assert max(mx.abs(other).max().item() for _, other in pairs) > 1e-3


def test_the_halves_of_a_known_architecture_are_found(model: Any) -> None:
    """The embedded model is a llama with a tied head."""
    assert split_model(model, ROWS[0].tokens) is not None


@pytest.mark.parametrize("change", ["capped", "trained", "unknown"])
def test_a_head_that_is_more_than_a_product_is_left_whole(model: Any, change: str) -> None:
    """Capped logits, a head that learns, and an architecture nobody looked at go the plain way."""
    if change == "trained":
        model.model.embed_tokens.unfreeze()
    else:
        kind = type(model)
        capped = {"__call__": lambda self, *given: 30 * mx.tanh(kind.__call__(self, *given) / 30)}
        name = kind.__module__ if change == "capped" else "mlx_lm.models.nobody_looked_at"
        model.__class__ = type("Model", (kind,), {"__module__": name, **(capped if change == "capped" else {})})
    assert split_model(model, ROWS[0].tokens) is None
