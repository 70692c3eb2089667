"""Values of a plan that are each right by themselves and do nothing, or harm, together."""

from __future__ import annotations

from collections.abc import Iterator

from punie.training.knobs import Knobs
from punie.training.optimizer import HIGHEST_RATE, option_problem
from punie.training.stage import stage_problem


def contradictions(knobs: Knobs) -> Iterator[str]:
    """A sentence for each."""
    stages = stage_problem(knobs.stages, knobs.iters, knobs.grad_accumulation_steps)
    options = option_problem(knobs.optimizer, knobs.given_options)
    yield from filter(None, (knobs.rates.problem(), options, stages))
    yield from (message for holds, message in _found(knobs) if holds)


def _found(knobs: Knobs) -> list[tuple[bool, str]]:
    lora = ("rank", "scale", "dropout", "keys")
    highest = max(schedule.highest for schedule in knobs.rates.schedules)
    return [
        (knobs.num_layers == 0, "num_layers is 0, which trains nothing; use -1 for all layers"),
        (knobs.min_delta > 0 and knobs.patience is None, "min_delta does nothing without patience"),
        (knobs.val_batches == 0, "val_batches is 0; leave valid.jsonl out to train without validation"),
        (knobs.keys == (), "keys is empty, which trains nothing; leave it out for every linear module"),
        (
            highest > HIGHEST_RATE.get(knobs.optimizer, highest),
            f"learning_rate {highest:g} with {knobs.optimizer} moves every weight by about as much per "
            "update and destroys the model; usual are 1e-6 to 1e-3",
        ),
        (
            knobs.iters % knobs.grad_accumulation_steps != 0,
            "iters is not a multiple of grad_accumulation_steps, so the last batches would never be learned from",
        ),
        (
            knobs.fine_tune_type == "full" and not all(map(knobs.is_default, lora)),
            "rank, scale, dropout and keys do nothing with fine_tune_type full",
        ),
        (
            knobs.whole_model and (knobs.fine_tune_type != "full" or knobs.num_layers != -1),
            "whole_model needs fine_tune_type full and num_layers -1",
        ),
        (
            knobs.packing == "stream" and not knobs.is_default("overlong"),
            "overlong does nothing with packing stream, which cuts every text where a piece ends; leave it out",
        ),
        (
            bool(knobs.optimizer_options.get("bias_correction")) and any(s.restart == "all" for s in knobs.stages),
            "MLX counts the steps of bias_correction and of the schedule with one number, which restart all would "
            "have to set back for the one and keep for the other; use restart rate, or no bias_correction",
        ),
        (
            knobs.engine == "mlx-lm" and knobs.mask == "assistant",
            "mlx-lm learns one span of a row, mask assistant needs several; use engine punie",
        ),
        (
            knobs.overlong == "keep-answer" and knobs.mask == "none",
            "overlong keep-answer needs a mask that says what the answer is; without one use cut",
        ),
        (
            knobs.engine == "mlx-lm" and (bool(knobs.packing) or knobs.batch_tokens is not None),
            "mlx-lm's loop knows neither packing nor batch_tokens; use engine punie",
        ),
        *_about_scores(knobs),
        (knobs.spread and not knobs.stages, "spread does nothing without stages"),
        (
            knobs.spread and any(stage.adaptive for stage in knobs.stages),
            "which rows an adaptive stage shows is known when it has ended, so they cannot be spread",
        ),
        (
            knobs.batch_tokens is not None and not knobs.is_default("batch_size"),
            "batch_size does nothing beside batch_tokens; give one of them",
        ),
        (
            knobs.batch_tokens is not None and knobs.batch_tokens < knobs.max_seq_length,
            f"batch_tokens has no room for a row of max_seq_length, {knobs.max_seq_length}",
        ),
        (
            knobs.batch_tokens is not None and any(part.epochs is not None for part in (knobs, *knobs.stages)),
            "epochs cannot be counted before the rows are tokenized; beside batch_tokens give iters",
        ),
    ]


def _about_scores(knobs: Knobs) -> list[tuple[bool, str]]:
    scored, every = knobs.score_suite is not None, knobs.score_every
    return [
        (scored and every is None, "score_suite needs score_every, the iterations between two scorings"),
        (not scored and every is not None, "score_every does nothing without score_suite"),
        (not scored and knobs.score_cases is not None, "score_cases does nothing without score_suite"),
        (not scored and knobs.select == "score", "select score needs score_suite and score_every"),
        (
            every is not None and every % knobs.grad_accumulation_steps != 0,
            "score_every is not a multiple of grad_accumulation_steps, so some scores would fall between two updates",
        ),
        (
            knobs.select == "score" and knobs.min_delta >= 1,
            "min_delta is a share of the cases with select score, so 1 can never be gained",
        ),
    ]
