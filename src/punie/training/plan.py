"""What is to be trained, in mlx-lm's words: complete, checked, and written beside its result.

Names and defaults are those of `mlx_lm lora`; the parameters of LoRA and of the schedule, which exist there only in
nested blocks, are flat here. `TrainingPlan.to_mlx_lm` gives the nested form back.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from punie.errors import UsageError
from punie.files import open_input

Positive = Annotated[int, Field(ge=1)]
CountOrAll = Annotated[int, Field(ge=-1)]
Mask = Literal["none", "prompt", "assistant", "last"]

_KNOWN_ELSEWHERE = {
    "lora_parameters": "rank, scale and dropout",
    "lr_schedule": "schedule, warmup and final_learning_rate",
    "optimizer_config": "weight_decay",
    "lora_r": "rank",
    "r": "rank",
    "lora_alpha": "scale, which is alpha / rank",
    "alpha": "scale, which is alpha / rank",
    "lora_dropout": "dropout",
    "lr": "learning_rate",
    "lr_scheduler_type": "schedule",
    "warmup_steps": "warmup",
    "max_steps": "iters",
    "num_train_epochs": "iters, which is epochs x rows / batch_size",
    "gradient_checkpointing": "grad_checkpoint",
    "train_on_inputs": "mask",
    "completion_only_loss": "mask: prompt",
    "assistant_only_loss": "mask: assistant",
    "gradient_accumulation_steps": "grad_accumulation_steps",
}
"""Words of other trainers, and ours for the same thing."""

DEFAULT_WEIGHT_DECAY = {"adamw": 0.01, "muon": 0.01, "sgd": 0.0}
"""What MLX takes when none is given, for the optimizers that have a weight decay."""


class TrainingPlan(BaseModel):
    """One training run, down to the last knob.

    adafactor is not offered: with MLX's defaults it ignores the learning rate.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Annotated[str, Field(min_length=1)]
    """A folder, a hub name, or the name of the embedded model."""
    data: Annotated[str, Field(min_length=1)]
    """A folder with train.jsonl and, if there is one, valid.jsonl."""
    adapter_path: Annotated[str, Field(min_length=1)]
    """The folder to be made."""
    engine: Literal["punie", "mlx-lm"] = "punie"
    """Whose loop trains: Punie's, or mlx-lm's as the reference. Both get the same rows in the same order."""
    fine_tune_type: Literal["lora", "dora", "full"] = "lora"
    iters: Positive = 1000
    """Batches to learn from; an optimizer update happens every `grad_accumulation_steps` of them."""
    batch_size: Positive = 4
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1e-5
    """The highest rate: reached after `warmup`."""
    schedule: Literal["constant", "cosine", "linear"] = "constant"
    warmup: Annotated[int, Field(ge=0)] = 0
    """Optimizer updates over which the rate rises linearly from 0."""
    final_learning_rate: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """The rate of the last update of a cosine or linear schedule."""
    optimizer: Literal["adam", "adamw", "sgd", "muon"] = "adam"
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """None leaves it to the optimizer: 0.01 for adamw and muon, 0 for sgd; adam has none."""
    num_layers: CountOrAll = 16
    """How many of the last layers learn; -1 for all."""
    rank: Positive = 8
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 20.0
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    max_seq_length: Annotated[int, Field(ge=2)] = 2048
    """Tokens; what is longer is cut off."""
    mask: Mask = "none"
    """What is not learned: nothing; what comes before the first answer (prompt); all but the answers (assistant); all
    but the last message (last), which is mlx-lm's `mask_prompt`."""
    grad_checkpoint: bool = False
    grad_accumulation_steps: Positive = 1
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    steps_per_report: Positive = 10
    steps_per_eval: Positive = 200
    val_batches: CountOrAll = 25
    """Validation batches, always the same ones; -1 for the whole set."""
    save_every: Positive = 100
    """Iterations between two checkpoints; each is a point from which the run can resume."""

    @model_validator(mode="after")
    def _every_knob_does_something(self) -> Self:
        problems = [message for holds, message in self._contradictions() if holds]
        if problems:
            raise ValueError(problems[0])
        return self

    def _contradictions(self) -> list[tuple[bool, str]]:
        decays = self.schedule != "constant"
        lora_defaults = all(getattr(self, key) == _default(key) for key in ("rank", "scale", "dropout"))
        return [
            (self.num_layers == 0, "num_layers is 0, which trains nothing; use -1 for all layers"),
            (self.val_batches == 0, "val_batches is 0; leave valid.jsonl out to train without validation"),
            (
                self.iters % self.grad_accumulation_steps != 0,
                "iters is not a multiple of grad_accumulation_steps, so the last batches would never be learned from",
            ),
            (
                not decays and self.final_learning_rate != 0,
                "final_learning_rate does nothing with schedule constant; use cosine or linear",
            ),
            (
                self.final_learning_rate > self.learning_rate,
                "final_learning_rate is above learning_rate, which is the highest rate",
            ),
            (
                self.warmup > 0 and self._decay_start + decays >= self.updates,
                f"warmup leaves nothing of the {self.updates} updates for the schedule itself",
            ),
            (
                self.weight_decay is not None and self.optimizer not in DEFAULT_WEIGHT_DECAY,
                f"weight_decay does nothing with optimizer {self.optimizer}; use {', '.join(DEFAULT_WEIGHT_DECAY)}",
            ),
            (
                self.fine_tune_type == "full" and not lora_defaults,
                "rank, scale and dropout do nothing with fine_tune_type full",
            ),
            (
                self.engine == "mlx-lm" and self.mask == "assistant",
                "mlx-lm learns one span of a row, mask assistant needs several; use engine punie",
            ),
        ]

    @property
    def updates(self) -> int:
        """Optimizer updates in the whole run."""
        return self.iters // self.grad_accumulation_steps

    @property
    def _decay_start(self) -> int:
        return self.warmup + 1 if self.warmup else 0

    @property
    def _decay_updates(self) -> int:
        return max(1, self.updates - 1 - self._decay_start)

    @property
    def effective_weight_decay(self) -> float | None:
        """The weight decay in force, or None where the optimizer has none."""
        return DEFAULT_WEIGHT_DECAY.get(self.optimizer) if self.weight_decay is None else self.weight_decay

    def learning_rate_at(self, update: int) -> float:
        """The rate of one optimizer update, counted from 0.

        Computed from the formulas alone, so that the rates read back from the real optimizer can be held against it.
        """
        if update < self._decay_start:
            return self.learning_rate * update / self.warmup
        progress = min((update - self._decay_start) / self._decay_updates, 1.0)
        span = self.learning_rate - self.final_learning_rate
        match self.schedule:
            case "constant":
                return self.learning_rate
            case "linear":
                return self.learning_rate - span * progress
            case "cosine":
                return self.final_learning_rate + span * (1 + math.cos(math.pi * progress)) / 2

    def to_mlx_lm(self) -> dict[str, Any]:
        """The same run as `mlx_lm lora` writes it into adapter_config.json."""
        flat = {"schedule", "warmup", "final_learning_rate", "weight_decay", "rank", "scale", "dropout"}
        ours = {"engine", "mask"}
        decay = {} if self.effective_weight_decay is None else {"weight_decay": self.effective_weight_decay}
        lora = {"rank": self.rank, "scale": self.scale, "dropout": self.dropout}
        return {
            **self.model_dump(exclude=flat | ours),
            "train": True,
            "mask_prompt": self.mask == "last",
            "optimizer_config": {self.optimizer: decay},
            "lr_schedule": self._lr_schedule(),
            "lora_parameters": None if self.fine_tune_type == "full" else lora,
        }

    def _lr_schedule(self) -> dict[str, Any] | None:
        if self.schedule == "constant" and not self.warmup:
            return None
        rate, end, steps = self.learning_rate, self.final_learning_rate, self._decay_updates
        match self.schedule:
            case "cosine":
                name, arguments = "cosine_decay", [rate, steps, end]
            case "linear":
                name, arguments = "linear_schedule", [rate, end, steps]
            case "constant":
                name, arguments = "linear_schedule", [rate, rate, steps]
        return {"name": name, "warmup": self.warmup, "arguments": arguments}

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.model_dump(), sort_keys=False, allow_unicode=True)


def load_plan(path: Path) -> TrainingPlan:
    """Read a whole plan from a YAML file. Raises UsageError that names the key."""
    return parse_plan(read_values(path), where=str(path))


def read_values(path: Path) -> dict[str, Any]:
    """The values of a YAML file by name, unchecked: it may hold only part of a plan. Raises UsageError."""
    with open_input(path) as file:
        try:
            values = yaml.safe_load(file)
        except yaml.YAMLError as error:
            raise UsageError(f"Not valid YAML: {error}.", where=str(path)) from error
    if not isinstance(values, dict):
        raise UsageError("A plan is a list of `key: value` lines.", where=str(path))
    return values


def parse_plan(values: Mapping[str, Any], *, where: str) -> TrainingPlan:
    """A plan from its values by name; `where` says in errors where they came from. Raises UsageError."""
    values = in_our_words(values, where=where)
    for key in values:
        if key not in TrainingPlan.model_fields:
            raise UsageError(f"A plan has no key {key!r}.", where=where, hint=_suggestion(str(key)))
    try:
        return TrainingPlan.model_validate(values)
    except ValidationError as error:
        raise _explained(error, where) from error


def in_our_words(values: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """The same values with mlx-lm's `mask_prompt` as `mask`. Raises UsageError where both are given and differ."""
    said = dict(values)
    if (hides := said.pop("mask_prompt", None)) is None:
        return said
    if not isinstance(hides, bool):
        raise UsageError("mask_prompt is true or false.", where=f"{where}, key mask_prompt")
    mask = "last" if hides else "none"
    if said.setdefault("mask", mask) != mask:
        raise UsageError(f"mask_prompt {hides} means mask {mask}, and mask is {said['mask']}.", where=where)
    return said


def _default(key: str) -> Any:
    return TrainingPlan.model_fields[key].default


def _suggestion(key: str) -> str:
    if key in _KNOWN_ELSEWHERE:
        return f"Here it is {_KNOWN_ELSEWHERE[key]}."
    close = difflib.get_close_matches(key, TrainingPlan.model_fields, n=1)
    return f"Did you mean {close[0]}?" if close else f"Keys: {', '.join(TrainingPlan.model_fields)}."


def _explained(error: ValidationError, where: str) -> UsageError:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if not key:
        return UsageError(f"The plan contradicts itself: {message}.", where=where)
    if first["type"] == "missing":
        return UsageError(f"The plan does not say {key}.", where=where, hint=f"Give {key} as an option or in the plan.")
    return UsageError(f"The plan's {key} is not usable: {message}.", where=f"{where}, key {key}")
