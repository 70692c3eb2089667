"""Words of other trainers: converted and said, or refused with the word that is right here."""

from __future__ import annotations

from typing import Any

import pytest

from punie.errors import UsageError
from punie.training.request import WORDS
from punie.training.spellings import in_our_words

RHYTHM = {"report_updates": 5, "eval_updates": 50, "save_updates": 100}
WARMED = {"warmup": 100, "warmup_init": 1e-7}


def words(**values: Any) -> dict[str, Any]:
    return in_our_words(values, where="here", known=WORDS).values


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("iter", "Did you mean iters?"),
        ("batchsize", "Did you mean batch_size?"),
        ("lora_alfa", "Did you mean lora_alpha?"),
        ("use_rslora", "Here it is scale, which is alpha / square root of rank."),
    ],
)
def test_an_unknown_word_is_refused_with_the_one_that_was_meant(key: str, hint: str) -> None:
    """A misspelt knob never passes unnoticed."""
    with pytest.raises(UsageError, match=f"no key '{key}'") as caught:
        words(**{key: 1})
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"lora_r": 16}, {"rank": 16}),
        ({"r": 16, "lora_alpha": 32, "lora_dropout": 0.1}, {"rank": 16, "alpha": 32, "dropout": 0.1}),
        (
            {"lr": 1e-4, "lr_scheduler_type": "cosine", "warmup_steps": 5},
            {"learning_rate": 1e-4, "schedule": "cosine", "warmup": 5},
        ),
        ({"lr_scheduler_type": "constant_with_warmup"}, {"schedule": "constant"}),
        ({"num_train_epochs": 3, "max_steps": -1}, {"epochs": 3}),
        ({"max_steps": 50}, {"updates": 50}),
        (
            {"gradient_checkpointing": True, "gradient_accumulation_steps": 4},
            {"grad_checkpoint": True, "grad_accumulation_steps": 4},
        ),
        ({"micro_batch_size": 2, "sequence_len": 512}, {"batch_size": 2, "max_seq_length": 512}),
        ({"per_device_train_batch_size": 2}, {"batch_size": 2}),
        ({"lora_target_modules": ["q_proj"]}, {"keys": ["q_proj"]}),
        ({"target_modules": "all-linear"}, {}),
        ({"logging_steps": 5, "eval_steps": 50, "save_steps": 100}, RHYTHM),
        ({"eval_strategy": "steps", "save_strategy": "steps", "metric_for_best_model": "eval_loss"}, {}),
        (
            {"load_best_model_at_end": True, "save_total_limit": 2, "early_stopping_patience": 3},
            {"select": "best", "keep_checkpoints": 2, "patience": 3},
        ),
        ({"train_on_inputs": False}, {"mask": "assistant"}),
        ({"completion_only_loss": True}, {"mask": "prompt"}),
        ({"completion_only_loss": False, "assistant_only_loss": False}, {"mask": "none"}),
        ({"assistant_only_loss": True}, {"mask": "assistant"}),
        ({"mask_prompt": True}, {"mask": "last"}),
        ({"adapter": "qlora", "optim": "adamw_torch"}, {"fine_tune_type": "lora", "optimizer": "adamw"}),
        ({"use_dora": True}, {"fine_tune_type": "dora"}),
        ({"train": True, "test": False, "test_batches": 100, "resume_adapter_file": None, "report_to": None}, {}),
        ({"lora_parameters": {"rank": 4, "scale": 2.0, "keys": None}}, {"rank": 4, "scale": 2.0}),
        (
            {"optimizer": "adamw", "optimizer_config": {"adamw": {"eps": 1e-6}, "sgd": {"momentum": 0.9}}},
            {"optimizer": "adamw", "eps": 1e-6},
        ),
        (
            {"lr_schedule": {"name": "cosine_decay", "arguments": [1e-5, 1000, 1e-7], **WARMED}},
            {
                "learning_rate": 1e-5,
                "schedule": "cosine",
                "decay": 1000,
                "final_learning_rate": 1e-7,
                "warmup": 100,
                "initial_learning_rate": 1e-7,
            },
        ),
        (
            {"lr_schedule": {"name": "linear_schedule", "arguments": [1e-5, 0, 50], "warmup": 0}},
            {"learning_rate": 1e-5, "schedule": "linear", "decay": 50, "final_learning_rate": 0},
        ),
        ({"iters": None, "rank": 8}, {"rank": 8}),
    ],
)
def test_other_trainers_words_become_ours(theirs: dict, ours: dict) -> None:
    """Each conversion keeps the meaning, and nothing else is said."""
    assert words(**theirs) == ours


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"lora_r": 8, "rank": 16}, "rank 16, and rank is 8"),
        ({"mask_prompt": True, "mask": "assistant"}, "mask"),
        ({"mask_prompt": "yes"}, "mask_prompt is one of true, false"),
        ({"learning_rate": 2e-5, "lr_schedule": {"name": "cosine_decay", "arguments": [1e-5, 9]}}, "learning_rate"),
        ({"lr_schedule": {"name": "step_decay", "arguments": [1e-5, 0.9, 10]}}, "not one a plan can hold"),
        ({"lr_schedule": "cosine"}, "block"),
        ({"lora_parameters": {"alfa": 1}}, "There is no alfa here"),
        ({"optimizer_config": {"adam": {"momentum": 1, "beta": 2}}}, "There is no beta here"),
        ({"train": False}, "always trains"),
        ({"test": True}, "punie eval"),
        ({"resume_adapter_file": "a.safetensors"}, "resume_from takes the folder"),
        ({"max_grad_norm": 1.0}, "not clipped"),
        ({"eval_strategy": "epoch"}, "steps_per_eval"),
        ({"eval_strategy": False}, "where there is none"),
        ({"optim": "lion_8bit"}, "optim is one of"),
    ],
)
def test_what_cannot_be_kept_is_refused(values: dict, complaint: str) -> None:
    """Two words that differ, and words that turn nothing here, are never taken in silence."""
    with pytest.raises(UsageError, match=complaint):
        words(**values)


def test_every_conversion_is_said_in_a_line() -> None:
    """What was already in our words is not repeated."""
    block = {"rank": 4, "dropout": 0.1}
    said = in_our_words({"iters": 5, "lr": 1e-4, "lora_parameters": block}, where="here", known=WORDS)
    assert said.notes == ("lr 0.0001: learning_rate 0.0001", "lora_parameters: rank 4, dropout 0.1")
