"""What is to be trained, in mlx-lm's words: complete, checked, and written beside its result.

Names and defaults are those of `mlx_lm lora`; the parameters of LoRA and of the schedule, which exist there only in
nested blocks, are flat here. `TrainingPlan.to_mlx_lm` gives the nested form back.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from punie.training.schedule import Schedule, Shape

Positive = Annotated[int, Field(ge=1)]
CountOrAll = Annotated[int, Field(ge=-1)]
Mask = Literal["none", "prompt", "assistant", "last"]

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
    schedule: Shape = "constant"
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
        lora_defaults = all(self.is_default(key) for key in ("rank", "scale", "dropout"))
        return [
            (self.num_layers == 0, "num_layers is 0, which trains nothing; use -1 for all layers"),
            (self.val_batches == 0, "val_batches is 0; leave valid.jsonl out to train without validation"),
            (
                self.iters % self.grad_accumulation_steps != 0,
                "iters is not a multiple of grad_accumulation_steps, so the last batches would never be learned from",
            ),
            (
                self.schedule == "constant" and self.final_learning_rate != 0,
                "final_learning_rate does nothing with schedule constant; use cosine or linear",
            ),
            (
                self.final_learning_rate > self.learning_rate,
                "final_learning_rate is above learning_rate, which is the highest rate",
            ),
            (
                not self.rates.has_room,
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

    def is_default(self, key: str) -> bool:
        return getattr(self, key) == type(self).model_fields[key].default

    @property
    def updates(self) -> int:
        """Optimizer updates in the whole run."""
        return self.iters // self.grad_accumulation_steps

    @property
    def rates(self) -> Schedule:
        """The learning rate of every update."""
        return Schedule(self.schedule, self.learning_rate, self.final_learning_rate, self.warmup, self.updates)

    @property
    def effective_weight_decay(self) -> float | None:
        """The weight decay in force, or None where the optimizer has none."""
        return DEFAULT_WEIGHT_DECAY.get(self.optimizer) if self.weight_decay is None else self.weight_decay

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
            "lr_schedule": self.rates.to_mlx_lm(),
            "lora_parameters": None if self.fine_tune_type == "full" else lora,
        }

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.model_dump(), sort_keys=False, allow_unicode=True)
