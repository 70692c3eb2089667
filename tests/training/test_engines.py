"""Two engines, one result: Punie's loop is held against mlx-lm's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from punie.training.metrics import Done, Echo, Metric, TrainLoss, ValidLoss
from punie.training.runner import train

from .conftest import PlanMaker


def metrics_of(make_plan: PlanMaker, folder: Path, engine: str) -> list[Metric]:
    heard: list[Metric] = []
    knobs = {"mask": "last", "dropout": 0.0, "grad_accumulation_steps": 1, "iters": 10, "steps_per_eval": 5}
    train(make_plan(folder / engine, engine=engine, **knobs), on_metric=heard.append)
    return heard


def test_both_engines_learn_the_same(make_plan: PlanMaker, tmp_path: Path) -> None:
    """From the same start and the same rows, training and validation losses agree to 1e-4 at every step."""
    ours, stock = (metrics_of(make_plan, tmp_path, engine) for engine in ("punie", "mlx-lm"))
    for kind in (TrainLoss, ValidLoss):
        pairs = [[(m.iteration, m.loss) for m in heard if isinstance(m, kind)] for heard in (ours, stock)]
        assert len(pairs[0]) == len(pairs[1]) > 2
        for (at, loss), (reference_at, reference) in zip(*pairs, strict=True):
            assert (at, loss) == (reference_at, pytest.approx(reference, abs=1e-4))
    ends = [m for heard in (ours, stock) for m in heard if isinstance(m, Done)]
    assert (ends[0].tokens, ends[0].trained_tokens) == (ends[1].tokens, ends[1].trained_tokens)


def test_what_the_engines_cost_is_told(make_plan: PlanMaker, tmp_path: Path) -> None:
    """Shares of padding and of learned tokens are in every report, and the echo says where logits are computed."""
    ours, stock = (metrics_of(make_plan, tmp_path, engine) for engine in ("punie", "mlx-lm"))
    routes = [m.loss_route for heard in (ours, stock) for m in heard if isinstance(m, Echo)]
    assert routes == ["learned positions", "full logits"]
    reports = [[m for m in heard if isinstance(m, TrainLoss)] for heard in (ours, stock)]
    assert all(0 <= own.padding <= block.padding < 1 for own, block in zip(*reports, strict=True))
    assert [m.supervised for m in reports[0]] == pytest.approx([m.supervised for m in reports[1]])
    valid = [[m for m in heard if isinstance(m, ValidLoss)] for heard in (ours, stock)]
    assert all(0 <= own.padding <= block.padding < 1 for own, block in zip(*valid, strict=True))
    assert [m.supervised for m in valid[0]] == pytest.approx([m.supervised for m in valid[1]])
    assert all(m.gradient_norm is not None and m.gradient_norm > 0 for m in reports[0])
