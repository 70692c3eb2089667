"""The model that learns, its optimizer and its tokenized rows, built as the plan says. Runs in the training child."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import mlx.core as mx
from jinja2 import TemplateError
from mlx import optimizers
from mlx.optimizers import join_schedules
from mlx_lm.tuner.datasets import create_dataset
from mlx_lm.tuner.utils import build_schedule, linear_to_lora_layers
from mlx_lm.utils import get_total_parameters, load

from punie.errors import DataError, UsageError
from punie.training import modules
from punie.training.adapter import AdapterFolder
from punie.training.batches import TokenRow
from punie.training.checkpoint import flat, load_state, random_key, seed_of
from punie.training.masking import MASKERS, RenderedChat, Spans, UnmaskableRow
from punie.training.plan import TrainingPlan
from punie.training.rows import Split, TeachingRows, name_rows
from punie.training.schedule import Schedule
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
    train_rows: list[TokenRow]
    valid_rows: list[TokenRow]
    masker: Callable[[RenderedChat], Spans]
    """What chose the tokens of these rows that are learned."""
    views: tuple[View, ...]
    """What each stage learns from; none where the run is one stage over all rows."""
    seed: int
    """Read back from MLX's random stream before anything was drawn from it."""

    def parameter_counts(self) -> dict[str, int]:
        """Layers, numbers that learn, and numbers in all; quantized weights count unpacked."""
        return {
            "layers": len(self.model.layers),
            "trainable_parameters": sum(array.size for array in flat(self.model.trainable_parameters()).values()),
            "total_parameters": get_total_parameters(self.model),
        }


def load_student(plan: TrainingPlan) -> tuple[Any, Any]:
    """Model and tokenizer; the weights are read when they are first needed, after the rows were found to be good.

    Raises UsageError where mlx-lm cannot load them.
    """
    try:
        model, tokenizer, *_ = load(plan.model, lazy=True)
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise UsageError(
            f"mlx-lm cannot load this model: {error}.",
            where=plan.model,
            hint="A model folder needs config.json, model*.safetensors and tokenizer files of a known architecture.",
        ) from error
    return model, tokenizer


def build_learner(plan: TrainingPlan, rows: TeachingRows, model: Any, tokenizer: Any) -> Learner:
    """Tokenize, seed, add the trainable parts, and put back the saved state where there is one."""
    views = stage_views(plan.stages, rows.train)
    train_rows, valid_rows = (tokenize(split, tokenizer, plan) for split in (rows.train, rows.valid))
    mx.random.seed(plan.seed)
    seed = seed_of(random_key())
    make_trainable(model, plan)
    optimizer, masker = make_optimizer(plan), MASKERS[plan.mask]
    learner = Learner(model, tokenizer, optimizer, train_rows, valid_rows, masker, views, seed)
    if (state := AdapterFolder.of(plan).state).exists():
        load_state(state, model, learner.optimizer)
    mx.eval(model.parameters())
    return learner


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
    if plan.fine_tune_type == "full":
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


def tokenize(split: Split, tokenizer: Any, plan: TrainingPlan) -> list[TokenRow]:
    """Every row as mlx-lm's own dataset tokenizes it, with the spans that the plan's mask leaves to learn.

    Raises UsageError where model and rows do not fit together, DataError naming the rows in which nothing
    would be learned: they make the loss 0/0 and ruin the weights (mlx-lm issue 1355).
    """
    if not split.rows:
        return []
    _require_fit(split, tokenizer, plan)
    dataset = create_dataset(list(split.rows), tokenizer, SimpleNamespace(mask_prompt=False))
    rows = [_token_row(dataset, split, index, MASKERS[plan.mask]) for index in range(len(split.rows))]
    if silent := [index for index, row in enumerate(rows) if not row.learned(plan.max_seq_length).size]:
        raise DataError(
            f"Nothing can be learned from {name_rows(silent)}: no token of the answer is within "
            f"the first {plan.max_seq_length} tokens.",
            where=split.place(silent[0]),
            hint="Raise max_seq_length, or take these rows out.",
        )
    return rows


def _require_fit(split: Split, tokenizer: Any, plan: TrainingPlan) -> None:
    if split.shape == "text" and plan.mask != "none":
        raise UsageError(
            f"mask {plan.mask} has no meaning for text rows, which have no prompt.",
            where=str(split.path),
            hint="Leave mask out, or use messages, or prompt and completion.",
        )
    if split.shape != "text" and not tokenizer.has_chat_template:
        raise UsageError(
            f"The model has no chat template, which {split.shape} rows need.",
            where=plan.model,
            hint="Use the instruct version of the model, or rows with text.",
        )


def _token_row(dataset: Any, split: Split, index: int, masker: Callable[[RenderedChat], Spans]) -> TokenRow:
    row = split.rows[index]
    try:
        tokens, _ = dataset.process(dataset[index])
        return TokenRow(tokens, masker(RenderedChat(_messages(row), row.get("tools"), tokens, dataset.tokenizer)))
    except UnmaskableRow as error:
        raise DataError(
            f"Its answers cannot be told from the rest: {error}.",
            where=split.place(index),
            hint="Use mask last or prompt, or cut the conversation into rows of one answer each.",
        ) from error
    except (TemplateError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise DataError(
            f"The chat template refuses this row: {error}.",
            where=split.place(index),
            hint="Check roles, their order, and the form of tool calls that this model's template wants.",
        ) from error


def _messages(row: dict[str, Any]) -> list[dict[str, Any]]:
    """A row as the conversation that mlx-lm makes of it; a text is none."""
    if "prompt" in row and "completion" in row:
        return [{"role": "user", "content": row["prompt"]}, {"role": "assistant", "content": row["completion"]}]
    return row.get("messages", [])
