"""What of a plan several processes can do together."""

from __future__ import annotations

from punie.errors import UsageError
from punie.training.plan import TrainingPlan

_METAL = "a Mac's GPU does not bear for long"


def require_shareable(plan: TrainingPlan, processes: int) -> None:
    """Raises UsageError with the reason where a plan would not be what it is for one process."""
    for key, holds, why in _obstacles(plan, processes):
        if holds:
            raise UsageError(f"Several processes cannot train this plan: {why}.", where=f"key {key}")


def _obstacles(plan: TrainingPlan, processes: int) -> tuple[tuple[str, bool, str], ...]:
    scored, stream = plan.score_suite is not None, plan.packing == "stream"
    idle = plan.batch_tokens is None and plan.batch_size < processes
    return (
        ("engine", plan.engine == "mlx-lm", "mlx-lm's loop is the reference, for one process; take engine punie"),
        (
            "score_suite",
            scored,
            f"the others would wait in a sum meanwhile, which {_METAL}; score the adapter when done",
        ),
        ("packing", stream, "in a stream a row sees the one before it, which another process may have"),
        ("batch_size", idle, f"a batch of {plan.batch_size} rows leaves some of {processes} processes without any"),
    )
