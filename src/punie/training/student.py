"""The model that learns, its optimizer and its tokenized rows, built as the plan says. Runs in the training child."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx import optimizers
from mlx.optimizers import join_schedules
from mlx_lm.tuner.utils import build_schedule, linear_to_lora_layers
from mlx_lm.utils import get_total_parameters, load

from punie.curriculum.rows import select_rows
from punie.errors import UsageError
from punie.training import modules
from punie.training.adapter import AdapterFolder
from punie.training.batches import TokenRow
from punie.training.batching import batching
from punie.training.checkpoint import flat, load_state, random_key, seed_of
from punie.training.ladder import Judged
from punie.training.masking import MASKERS, RenderedChat, Spans
from punie.training.order import validation_order
from punie.training.overlong import FittedRows, fit_rows
from punie.training.plan import TrainingPlan
from punie.training.rows import Split, TeachingRows
from punie.training.schedule import Schedule
from punie.training.start import load_start
from punie.training.tokens import tokenize
from punie.training.views import View, stage_views

_OPTIMIZERS: dict[str, Callable[..., optimizers.Optimizer]] = {
    "adam": optimizers.Adam,
    "adamw": optimizers.AdamW,
    "sgd": optimizers.SGD,
    "muon": optimizers.Muon,
}


@dataclass(frozen=True, slots=True)
class Learner:
    """What a session works on: the model with its trainable parts, its optimizer, its rows."""

    model: Any
    tokenizer: Any
    optimizer: optimizers.Optimizer
    train: FittedRows
    valid: FittedRows
    masker: Callable[[RenderedChat], Spans]
    """What chose the tokens of these rows that are learned."""
    views: tuple[View, ...]
    """What each stage learns from; none where the run is one stage over all rows."""
    phase_valid_rows: tuple[list[TokenRow], ...]
    """Of an adaptive stage, the validation rows of each phase."""
    start: Path | None
    """The adapter whose weights the model had first; None where they were drawn."""
    seed: int
    """Read back from MLX's random stream before anything was drawn from it."""
    judged: list[Judged] = field(default_factory=list)
    """What an adaptive stage goes by: the session adds, the order of steps reads."""

    @property
    def train_rows(self) -> list[TokenRow]:
        return self.train.rows

    @property
    def valid_rows(self) -> list[TokenRow]:
        return self.valid.rows

    def parameter_counts(self) -> dict[str, int]:
        """Layers, numbers that learn, and numbers in all; quantized weights count unpacked."""
        return {
            "layers": len(self.model.layers),
            "trainable_parameters": sum(array.size for array in flat(self.model.trainable_parameters()).values()),
            "total_parameters": get_total_parameters(self.model),
        }


def load_student(plan: TrainingPlan) -> tuple[Any, Any]:
    """The plan's model and its tokenizer, as `load_model` gives them."""
    return load_model(plan.model)


def load_model(folder: str) -> tuple[Any, Any]:
    """Model and tokenizer; the weights are read when they are first needed, after the rows were found to be good.

    Raises UsageError where mlx-lm cannot load them.
    """
    try:
        model, tokenizer, *_ = load(folder, lazy=True)
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise UsageError(
            f"mlx-lm cannot load this model: {error}.",
            where=folder,
            hint="A model folder needs config.json, model*.safetensors and tokenizer files of a known architecture.",
        ) from error
    return model, tokenizer


def build_learner(plan: TrainingPlan, rows: TeachingRows, model: Any, tokenizer: Any) -> Learner:
    """Tokenize, seed, add the trainable parts, and put back the saved state where there is one."""
    train, valid, views = learnable_rows(plan, rows, tokenizer)
    mx.random.seed(plan.seed)
    seed = seed_of(random_key())
    make_trainable(model, plan)
    start = None if plan.resume_from is None else load_start(plan, model)
    valid = replace(valid, rows=[valid.rows[index] for index in validation_order(len(valid.rows), seed)])
    by_phase = _by_phase(plan, valid.rows, rows.valid)
    masker, optimizer = MASKERS[plan.mask], make_optimizer(plan)
    learner = Learner(model, tokenizer, optimizer, train, valid, masker, views, by_phase, start, seed)
    if (state := AdapterFolder.of(plan).state).exists():
        load_state(state, model, learner.optimizer)
    mx.eval(model.parameters())
    return learner


def learnable_rows(
    plan: TrainingPlan, rows: TeachingRows, tokenizer: Any
) -> tuple[FittedRows, FittedRows, tuple[View, ...]]:
    """Training and validation rows as tokens, and what each stage sees of the former."""
    limit = batching(plan).row_limit
    train, valid = (
        fit_rows(tokenize(split, tokenizer, plan), split, limit, plan.overlong) for split in (rows.train, rows.valid)
    )
    kept = [rows.train.rows[row.line - 1] for row in train.rows]
    return train, valid, stage_views(plan.stages, kept, str(rows.train.path))


def _by_phase(plan: TrainingPlan, valid: Sequence[TokenRow], split: Split) -> tuple[list[TokenRow], ...]:
    """Raises DataError for a phase that no validation row belongs to."""
    labels = [split.rows[row.line - 1] for row in valid]
    return tuple(
        [valid[index] for index in select_rows(part.where, labels, f"Phase {part.phase}", str(split.path))]
        for stage in plan.stages
        if stage.adaptive
        for part in stage.shows.parts
    )


def make_trainable(model: Any, plan: TrainingPlan) -> None:
    """Freeze, then open what the plan says. Draws the adapter's first values from MLX's random stream.

    Raises UsageError for layers and modules the model lacks.
    """
    if plan.num_layers > len(model.layers):
        raise UsageError(
            f"The plan trains {plan.num_layers} layers; the model has {len(model.layers)}.",
            where="key num_layers",
            hint="Use -1 for all layers.",
        )
    model.freeze()
    if plan.whole_model:
        model.unfreeze()
    elif plan.fine_tune_type == "full":
        for layer in model.layers[-max(plan.num_layers, 0) :]:
            layer.unfreeze()
    else:
        parameters = plan.to_mlx_lm()["lora_parameters"]
        if plan.keys is not None:
            parameters["keys"] = modules.matching(model, plan.keys)
        linear_to_lora_layers(model, plan.num_layers, parameters, use_dora=plan.fine_tune_type == "dora")


def adapter_config(plan: TrainingPlan, model: Any) -> dict[str, Any]:
    """What mlx-lm reads beside an adapter: the plan, with the full names of the modules that were adapted."""
    config = plan.to_mlx_lm()
    if plan.keys is not None:
        config["lora_parameters"]["keys"] = modules.adapted(model)
    return config


def make_optimizer(plan: TrainingPlan) -> optimizers.Optimizer:
    first, *others = map(_schedule, plan.rates.schedules)
    rate = join_schedules([first, *others], plan.rates.starts[1:]) if others else first
    return _OPTIMIZERS[plan.optimizer](learning_rate=rate, **plan.optimizer_options)


def _schedule(schedule: Schedule) -> Callable[[mx.array], mx.array]:
    config = schedule.to_mlx_lm()
    return build_schedule(config) if config else lambda _: mx.array(schedule.highest)
