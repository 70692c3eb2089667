"""Two engines, one result: Punie's loop is held against mlx-lm's own."""

from __future__ import annotations

import pytest

from punie.training.metrics import Done, Echo, Metric, TrainLoss, ValidLoss
from punie.training.runner import train

from .conftest import PlanMaker


@pytest.fixture(scope="module")
def both(make_plan: PlanMaker, tmp_path_factory: pytest.TempPathFactory) -> list[list[Metric]]:
    """What each engine says of the same run, Punie's first."""
    folder = tmp_path_factory.mktemp("engines")
    knobs = {"mask": "last", "dropout": 0.0, "grad_accumulation_steps": 1, "iters": 10, "steps_per_eval": 5}
    heard: dict[str, list[Metric]] = {"punie": [], "mlx-lm": []}
    for engine, metrics in heard.items():
        train(make_plan(folder / engine, engine=engine, **knobs), on_metric=metrics.append)
    return list(heard.values())


def test_both_engines_learn_the_same(both: list[list[Metric]]) -> None:
    """From the same start and the same rows, training and validation losses agree to 1e-4 at every step."""
    ours, stock = both
    for kind in (TrainLoss, ValidLoss):
        pairs = [[(m.iteration, m.loss) for m in heard if isinstance(m, kind)] for heard in (ours, stock)]
        assert len(pairs[0]) == len(pairs[1]) > 2
        for (at, loss), (reference_at, reference) in zip(*pairs, strict=True):
            assert (at, loss) == (reference_at, pytest.approx(reference, abs=1e-4))
    ends = [m for heard in (ours, stock) for m in heard if isinstance(m, Done)]
    assert (ends[0].tokens, ends[0].trained_tokens) == (ends[1].tokens, ends[1].trained_tokens)


def test_what_the_engines_cost_is_told(both: list[list[Metric]]) -> None:
    """Shares of padding and of learned tokens are in every report, and the echo says where logits are computed."""
    ours, stock = both
    routes = [m.loss_route for heard in (ours, stock) for m in heard if isinstance(m, Echo)]
    assert routes == ["learned positions, in the last layer too", "full logits"]
    reports = [[m for m in heard if isinstance(m, TrainLoss)] for heard in (ours, stock)]
    assert all(0 <= own.padding <= block.padding < 1 for own, block in zip(*reports, strict=True))
    assert [m.supervised for m in reports[0]] == pytest.approx([m.supervised for m in reports[1]])
    valid = [[m for m in heard if isinstance(m, ValidLoss)] for heard in (ours, stock)]
    assert all(0 <= own.padding <= block.padding < 1 for own, block in zip(*valid, strict=True))
    assert [m.supervised for m in valid[0]] == pytest.approx([m.supervised for m in valid[1]])
    assert all(m.gradient_norm is not None and m.gradient_norm > 0 for m in reports[0])
