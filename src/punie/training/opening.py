"""Before the first step: what arrived of the plan, whether memory will do, whether the model can learn at all.

Runs in the training child.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace as with_changes

from punie.errors import UsageError
from punie.training import readback
from punie.training.adapter import START
from punie.training.echo import schedule_points
from punie.training.masking import MASKERS
from punie.training.metrics import MemoryNeeds, Metric
from punie.training.needs import require_fit
from punie.training.plan import TrainingPlan
from punie.training.probes import after_training, before_training
from punie.training.steps import Engine
from punie.training.student import Learner

Say = Callable[[Metric], None]


def read_back(plan: TrainingPlan, learner: Learner) -> dict[str, Any]:
    """The plan's fields that live in the model, its optimizer and its rows, from what is there."""
    return {
        **readback.read_model(learner.model, learner.tokenizer),
        **readback.read_optimizer(learner.optimizer, schedule_points(plan)),
        "stages": [view.values() for view in learner.views],
        "mask": next(mask for mask, masker in MASKERS.items() if masker is learner.masker),
    }


def require_memory(engine: Engine, limit: int, at: int, say: Say) -> None:
    """Raises CapacityError where a step would need more than `limit` bytes."""
    if (needs := engine.needs()) is None:
        return
    say(MemoryNeeds(iteration=at, needs=needs, limit=limit))
    require_fit(needs, limit)


def probe_input(plan: TrainingPlan, learner: Learner, say: Say) -> None:
    """Raises UsageError at the first probe that fails, with what that means."""
    untrained = plan.resume_from is None and (Path(plan.model) / START).is_file()
    for probed in before_training(learner.model, learner.train_rows, plan.max_seq_length, untrained=untrained):
        say(probed)
        if probed.advice:
            hint = f"{probed.advice}\nTo train all the same: probes: false in the plan, or --no-probes."
            raise UsageError(probed.found, where=f"probe {probed.probe}", hint=hint)


def probe_output(plan: TrainingPlan, learner: Learner, at: int, say: Say) -> None:
    """Of the weights after the last step. It comes too late to be an error, and is told as a warning."""
    rows = learner.valid_rows or learner.train_rows
    probed = after_training(learner.model, learner.tokenizer, rows, plan.max_seq_length)
    say(with_changes(probed, iteration=at))
