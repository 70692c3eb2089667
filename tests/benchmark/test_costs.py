"""The fit: what is known is found again, what is not known is not claimed."""

from __future__ import annotations

import numpy as np
import pytest

from punie.benchmark.decision import decide
from punie.benchmark.fit import fit, rate_prior
from punie.benchmark.grid import Cell, grid
from punie.training.request import parse_plan
from punie.training.workload import Widest, Work, full_workload


@pytest.mark.parametrize(
    ("seconds", "word"),
    [(0.2, "Go:"), (5, "Go:"), (8, "Go, with patience"), (20, "Usable"), (45, "Slow"), (61, "Pivot")],
)
def test_the_decision_follows_the_seconds(seconds: float, word: str) -> None:
    """The bounds are those of the journal: 1-5 go, 10-30 usable, above 60 pivot."""
    assert word in decide(seconds)


def test_what_does_not_fit_is_no_go() -> None:
    """A fast step is of no use where there is no memory for it."""
    assert decide(1.0, fits=False).startswith("Does not fit")


def test_a_plan_is_measured_in_a_few_different_steps() -> None:
    """Batch, length, layers and checkpointing each differ somewhere, and the plan's own largest step comes first."""
    cells = grid(parse_plan({"model": "m", "data": "d", "adapter_path": "a", "num_layers": -1}, where=""), layers=12)
    assert cells[0] == Cell((2048,) * 4, 1.0, 12, grad_checkpoint=False)
    assert len({cell.batch_size for cell in cells}) > 1
    assert len({max(cell.lengths) for cell in cells}) > 1
    assert {cell.num_layers for cell in cells} == {12, 4}
    assert {cell.grad_checkpoint for cell in cells} == {True, False}


def test_costs_that_made_the_figures_are_found_again() -> None:
    """From ten exact measurements, a new one is foretold within a tenth, and no cost is negative."""
    draw = np.random.default_rng(0)
    costs = np.array([0.02, 3e-9, 5e-9, 0.0])
    columns = np.column_stack([np.ones(11), draw.uniform(1e7, 1e9, (11, 3))])
    seconds = columns @ costs
    found = fit(columns[:10], seconds[:10], rate_prior(columns[:10], seconds[:10], plain=1))
    assert found.of(columns[10]) == pytest.approx(seconds[10], rel=0.1)
    assert found.costs.min() >= 0


def test_two_measurements_are_not_trusted() -> None:
    """Where nothing could be left out, the forecast may be off by half."""
    columns = np.array([[1.0, 1e9], [1.0, 2e9]])
    assert fit(columns, np.array([1.0, 2.0]), np.array([0.1, 1e-9])).spread == 0.5


def test_the_fullest_run_is_counted() -> None:
    """Every row of its length: positions are rows times inputs, in each of the iterations."""
    values = {"model": "m", "data": "d", "adapter_path": "a", "iters": 10, "batch_size": 3, "max_seq_length": 101}
    load = full_workload(parse_plan(values, where=""))
    assert load.training == Work(10, 10, 3000, 3000, 300_000, 3000)
    assert load.widest == Widest(3, 100, 300, 300)
