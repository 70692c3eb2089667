"""The benchmark: real steps of a real training, and a plain decision."""

from __future__ import annotations

from pathlib import Path

import pytest

from punie.benchmark import benchmark, decide


def test_steady_steps_are_timed_apart_from_the_rest(tiny_model: Path) -> None:
    """Loading, the first trace and validation are not in the seconds per iteration."""
    result = benchmark(str(tiny_model), iters=4, batch_size=2, max_seq_length=64, num_layers=-1)
    assert result.measured_iterations == 3
    assert 0 < result.fastest <= result.seconds_per_iteration <= result.slowest
    assert result.tokens_per_second == pytest.approx(2 * 64 / result.seconds_per_iteration, rel=0.9)
    assert result.load_seconds + result.first_trace_seconds + result.validation_seconds < result.total_seconds
    assert result.peak_memory > 1_000_000


@pytest.mark.parametrize(
    ("seconds", "word"),
    [(0.2, "Go:"), (5, "Go:"), (8, "Go, with patience"), (20, "Usable"), (45, "Slow"), (61, "Pivot")],
)
def test_the_decision_follows_the_seconds(seconds: float, word: str) -> None:
    """The bounds are those of the journal: 1-5 go, 10-30 usable, above 60 pivot."""
    assert word in decide(seconds)
