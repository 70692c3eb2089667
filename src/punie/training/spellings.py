"""The words of other trainers for the knobs of a plan."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any

from punie.errors import UsageError

_ELSEWHERE = {
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


def suggestion(key: str, known: Collection[str]) -> str:
    """What to write instead of a key that is not among the known ones."""
    if key in _ELSEWHERE:
        return f"Here it is {_ELSEWHERE[key]}."
    close = difflib.get_close_matches(key, known, n=1)
    return f"Did you mean {close[0]}?" if close else f"Keys: {', '.join(known)}."
