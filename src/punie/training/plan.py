"""What is to be trained, in mlx-lm's words: complete, checked, and written beside its result.

Names and defaults are those of `mlx_lm lora`; the parameters of LoRA and of the schedule, which exist there only in
nested blocks, are flat here. `TrainingPlan.to_mlx_lm` gives the nested form back.
"""

from __future__ import annotations

from typing import Any, Self

import yaml
from pydantic import model_validator

from punie.curriculum.pace import RATE_KEYS
from punie.training.contradictions import contradictions
from punie.training.knobs import Knobs
from punie.training.optimizer import OPTION_NAMES


def key_names(key: str, module: str) -> bool:
    """Whether a key of `keys` means this module: by its full name or by the last parts of it."""
    return f".{module}".endswith(f".{key}")


OURS = {
    *("engine", "mask", "epochs", "batch_tokens", "packing", "overlong", "resume_from", "whole_model"),
    *("matrix_rows", "curriculum", "stages", "spread", "probes"),
    *("keep_checkpoints", "select", "patience", "min_delta", "memory_limit"),
    *("score_suite", "score_every", "score_cases"),
}
"""Fields that mlx-lm's own configuration has no word for."""


class TrainingPlan(Knobs):
    """One training run, down to the last knob; every knob does something."""

    @model_validator(mode="after")
    def _every_knob_does_something(self) -> Self:
        if problem := next(contradictions(self), None):
            raise ValueError(problem)
        return self

    def to_mlx_lm(self) -> dict[str, Any]:
        """The same run as `mlx_lm lora` writes it into adapter_config.json."""
        schedule = {*RATE_KEYS} - {"learning_rate"}
        lora = {"rank": self.rank, "scale": self.scale, "dropout": self.dropout}
        if self.keys is not None:
            lora["keys"] = list(self.keys)
        return {
            **self.model_dump(exclude={*OURS, *OPTION_NAMES, *schedule, *lora, "keys"}),
            "train": True,
            "mask_prompt": self.mask == "last",
            "optimizer_config": {self.optimizer: self.optimizer_options},
            "lr_schedule": self.rates.to_mlx_lm(),
            "lora_parameters": None if self.fine_tune_type == "full" else lora,
        }

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.model_dump(), sort_keys=False, allow_unicode=True)
