"""The words of other trainers for the knobs of a plan: mlx-lm's nested blocks, Hugging Face, PEFT, TRL, axolotl.

What can be converted without a doubt is converted, and said; the rest is refused with the word that is right here.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from punie.errors import UsageError
from punie.training.optimizer import OPTION_NAMES

Values = Mapping[str, Any]

_RENAMED = {
    "base_model": "model",
    "model_name_or_path": "model",
    "output_dir": "adapter_path",
    "lora_model_dir": "resume_from",
    "lora_r": "rank",
    "r": "rank",
    "lora_alpha": "alpha",
    "lora_dropout": "dropout",
    "lora_layers": "num_layers",
    "lr": "learning_rate",
    "warmup_steps": "warmup",
    "num_train_epochs": "epochs",
    "num_epochs": "epochs",
    "gradient_checkpointing": "grad_checkpoint",
    "gradient_accumulation_steps": "grad_accumulation_steps",
    "micro_batch_size": "batch_size",
    "per_device_train_batch_size": "batch_size",
    "sequence_len": "max_seq_length",
    "max_length": "max_seq_length",
    "adam_epsilon": "eps",
    "logging_steps": "report_updates",
    "eval_steps": "eval_updates",
    "save_steps": "save_updates",
    "save_total_limit": "keep_checkpoints",
    "early_stopping_patience": "patience",
    "early_stopping_threshold": "min_delta",
}
"""Another word for the same value."""

_MEANT: dict[str, dict[Any, Values]] = {
    "mask_prompt": {True: {"mask": "last"}, False: {"mask": "none"}},
    "train_on_inputs": {True: {"mask": "none"}, False: {"mask": "assistant"}},
    "completion_only_loss": {True: {"mask": "prompt"}, False: {"mask": "none"}},
    "assistant_only_loss": {True: {"mask": "assistant"}, False: {}},
    "use_dora": {True: {"fine_tune_type": "dora"}, False: {}},
    "adapter": {"lora": {"fine_tune_type": "lora"}, "qlora": {"fine_tune_type": "lora"}},
    "lora_target_linear": {True: {}, False: {}},
    "load_best_model_at_end": {True: {"select": "best"}, False: {"select": "last"}},
    "optim": {name: {"optimizer": "adamw"} for name in ("adamw", "adamw_torch", "adamw_torch_fused", "adamw_hf")},
}
"""What each value of another trainer's word says in ours; nothing where it is the default."""

_ELSEWHERE = {
    "use_rslora": "scale, which is alpha / square root of rank",
    "adam_beta1": "betas",
    "adam_beta2": "betas",
    "load_in_4bit": "the model itself: give a quantized one",
    "load_in_8bit": "the model itself: give a quantized one",
    "hf_dataset": "data; `punie dataset download` fetches one from the hub",
}
"""Words without a conversion, and ours for the same thing."""

_VALIDATES = "validation comes every steps_per_eval batches where there is a valid.jsonl, and never where there is none"

_IDLE: dict[str, tuple[tuple[Any, ...], str]] = {
    "train": ((True,), "punie train always trains"),
    "test": ((False, None), "`punie eval` measures a finished adapter"),
    "test_batches": ((), ""),
    "config": ((None,), "a plan cannot name another one"),
    "resume_adapter_file": ((None,), "resume_from takes the folder of such a file, its adapter_config.json beside it"),
    "clear_cache_threshold": ((0, None), "the cache is cleared after every step"),
    "project_name": ((None,), "runs are known by their folder"),
    "trust_remote_code": ((False, None), "code that comes with a model is not run"),
    "training_mode": (("normal", None), "there is only supervised training here"),
    "report_to": ((None, "none", []), "trackers are named by the option --report-to"),
    "max_grad_norm": ((None, 0), "gradients are not clipped"),
    "logging_strategy": (("steps", None), "there is a report every steps_per_report batches"),
    "save_strategy": (("steps", None), "there is a checkpoint every save_every batches"),
    "eval_strategy": (("steps", None), _VALIDATES),
    "evaluation_strategy": (("steps", None), _VALIDATES),
    "metric_for_best_model": (("loss", "eval_loss", None), "checkpoints are compared by validation loss"),
    "greater_is_better": ((False, None), "checkpoints are compared by validation loss"),
    "val_set_size": ((None, 0), "`punie dataset split` makes a valid.jsonl"),
}
"""Words that turn nothing here: the values under which that is what their user expects, and why no other will do."""


@dataclass(frozen=True, slots=True)
class Wording:
    """Values by our names, and what was converted to get there, a line each."""

    values: dict[str, Any]
    notes: tuple[str, ...] = ()


def in_our_words(values: Values, *, where: str, known: Collection[str]) -> Wording:
    """The same request by the names in `known`.

    Raises UsageError for a word that is unknown or means nothing here, and for two words of one thing that differ.
    """
    said: dict[str, Any] = {}
    notes: list[str] = []
    for word, value in values.items():
        converted = _converted(str(word), value, values, where, known)
        for key, ours in converted.items():
            if (before := said.get(key, ours)) != ours:
                raise UsageError(f"{word} means {key} {shown(ours)}, and {key} is {shown(before)}.", where=where)
        said.update(converted)
        if converted and set(converted) != {word}:
            meaning = ", ".join(f"{key} {shown(ours)}" for key, ours in converted.items())
            notes.append(f"{word}: {meaning}" if isinstance(value, Mapping) else f"{word} {shown(value)}: {meaning}")
    return Wording(said, tuple(notes))


def shown(value: Any) -> str:
    """A value as a plan has it."""
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)


def suggestion(key: str, known: Collection[str]) -> str:
    """What to write instead of a key that is not among the known ones."""
    if key in _ELSEWHERE:
        return f"Here it is {_ELSEWHERE[key]}."
    close = difflib.get_close_matches(key, [*known, *_RENAMED], n=1)
    return f"Did you mean {close[0]}?" if close else f"Keys: {', '.join(known)}."


def _converted(word: str, value: Any, values: Values, where: str, known: Collection[str]) -> Values:
    """What one word says. A null says nothing, as in mlx-lm."""
    if word in known:
        said = {word: value}
    elif word in _RENAMED:
        said = {_RENAMED[word]: value}
    elif word in _MEANT:
        said = {} if value is None else _meant(word, value, where)
    elif word in _IDLE:
        said = _idle(word, value, where)
    elif word in _BLOCKS:
        said = {} if value is None else _BLOCKS[word](value, values, f"{where}, key {word}")
    else:
        raise UsageError(f"A plan has no key {word!r}.", where=where, hint=suggestion(word, known))
    return {key: converted for key, converted in said.items() if converted is not None}


def _meant(word: str, value: Any, where: str) -> Values:
    meanings = _MEANT[word]
    if not isinstance(value, str | bool) or value not in meanings:
        raise UsageError(f"{word} is one of {', '.join(map(shown, meanings))}.", where=f"{where}, key {word}")
    return meanings[value]


def _idle(word: str, value: Any, where: str) -> Values:
    allowed, reason = _IDLE[word]
    if reason and not any(value is harmless or value == harmless for harmless in allowed):
        raise UsageError(f"{word} {shown(value)} has no meaning here: {reason}.", where=f"{where}, key {word}")
    return {}


def _lora_parameters(block: Any, values: Values, where: str) -> Values:
    """mlx-lm's block is flat here."""
    return _only(block, ("rank", "scale", "alpha", "dropout", "keys"), where)


def _optimizer_config(block: Any, values: Values, where: str) -> Values:
    """mlx-lm reads the options of the optimizer that is used, and so do we."""
    options = _mapping(block, where).get(str(values.get("optimizer", "adam")))
    return {} if options is None else _only(options, OPTION_NAMES, where)


def _lr_schedule(block: Any, values: Values, where: str) -> Values:
    """mlx-lm's block names a function of mlx.optimizers and its arguments."""
    block = _only(block, ("name", "arguments", "warmup", "warmup_init"), where)
    warmup = block.get("warmup", 0)
    rise = {"warmup": warmup, "initial_learning_rate": block.get("warmup_init", 0.0)} if warmup else {}
    match block.get("name"), block.get("arguments"):
        case "cosine_decay", [rate, steps]:
            fall = {"schedule": "cosine", "decay": steps}
        case "cosine_decay", [rate, steps, last]:
            fall = {"schedule": "cosine", "decay": steps, "final_learning_rate": last}
        case "linear_schedule", [rate, last, _] if rate == last:
            fall = {"schedule": "constant"}
        case "linear_schedule", [rate, last, steps]:
            fall = {"schedule": "linear", "decay": steps, "final_learning_rate": last}
        case _:
            raise UsageError(
                "This schedule is not one a plan can hold.",
                where=where,
                hint="Use cosine_decay [rate, steps, last rate] or linear_schedule [rate, last rate, steps].",
            )
    return {"learning_rate": rate, **fall, **rise}


def _target_modules(value: Any, values: Values, where: str) -> Values:
    """PEFT's all-linear is what a plan does without keys."""
    if value == "all-linear":
        return {}
    return {"keys": [value] if isinstance(value, str) else value}


def _scheduler_type(value: Any, values: Values, where: str) -> Values:
    return {"schedule": "constant" if value == "constant_with_warmup" else value}


def _max_steps(value: Any, values: Values, where: str) -> Values:
    """Hugging Face counts optimizer updates, and -1 leaves the end to the epochs."""
    return {} if value == -1 else {"updates": value}


_BLOCKS: dict[str, Callable[[Any, Values, str], Values]] = {
    "lora_parameters": _lora_parameters,
    "optimizer_config": _optimizer_config,
    "lr_schedule": _lr_schedule,
    "lora_target_modules": _target_modules,
    "target_modules": _target_modules,
    "lr_scheduler_type": _scheduler_type,
    "lr_scheduler": _scheduler_type,
    "max_steps": _max_steps,
}


def _only(block: Any, keys: Collection[str], where: str) -> Values:
    if unknown := set(_mapping(block, where)) - set(keys):
        raise UsageError(f"There is no {', '.join(sorted(map(str, unknown)))} here.", where=where)
    return block


def _mapping(block: Any, where: str) -> Values:
    if not isinstance(block, Mapping):
        raise UsageError("This is a block of `key: value` lines.", where=where)
    return block
