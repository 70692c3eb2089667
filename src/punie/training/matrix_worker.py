"""The measuring child: `python -m punie.child punie.training.matrix_worker PLAN EVENTS NAME=WEIGHTS...`.

The plan is that of a finished run. Every file of weights is measured on the fixed rows; a name without a file is the
model as training found it. What was measured is appended to EVENTS, or the error that ended it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import mlx.core as mx
import msgspec
import numpy as np

from punie.errors import DataError, PunieError
from punie.training.attention import attention_in_blocks
from punie.training.batches import Group, TokenRow, make_group
from punie.training.fixed_rows import FixedRows, choose_rows, rows_file
from punie.training.head import Halves, split_model
from punie.training.loss import CHUNK
from punie.training.matrix import Measured
from punie.training.metrics import Doing, Failed
from punie.training.overlong import keep_answer
from punie.training.plan import TrainingPlan
from punie.training.request import load_plan
from punie.training.rows import read_split
from punie.training.start import load_start
from punie.training.student import load_student, make_trainable
from punie.training.tokens import tokenize

Sums = tuple[float, int, int]
"""Of a row: its loss in nats, the learned tokens that were the most probable ones, and all learned tokens."""


def main() -> None:
    plan, events = load_plan(Path(sys.argv[1])), Path(sys.argv[2])
    with events.open("ab", buffering=0) as out:
        try:
            for event in measure(plan, dict(_named(argument) for argument in sys.argv[3:])):
                out.write(msgspec.json.encode(event) + b"\n")
        except PunieError as error:
            out.write(msgspec.json.encode(Failed.of(error)) + b"\n")


def _named(argument: str) -> tuple[str, str]:
    name, _, weights = argument.partition("=")
    return name, weights


def measure(plan: TrainingPlan, checkpoints: dict[str, str]) -> Iterator[Doing | Measured]:
    """One after the other, with one model in memory."""
    path = rows_file(Path(plan.data))
    assert path is not None
    split = read_split(path)
    fixed = choose_rows(split.rows, plan)
    model, tokenizer = load_student(plan)
    rows = _usable(tokenize(split, tokenizer, plan), fixed.indices, plan)
    if not rows:
        raise DataError(f"Nothing in these rows is within {plan.max_seq_length} tokens.", where=str(path))
    make_trainable(model, plan)
    if plan.resume_from is not None:
        load_start(plan, model)
    model.eval()
    for name, weights in checkpoints.items():
        yield Doing(what=f"measuring {name}", iteration=0)
        if weights:
            model.load_weights(list(cast(dict[str, mx.array], mx.load(weights)).items()), strict=False)
        yield _measured(name, fixed, _row_sums(model, rows, plan))


def _usable(rows: Sequence[TokenRow], indices: Sequence[int], plan: TrainingPlan) -> dict[int, TokenRow]:
    """By index, those that the plan would learn something from."""
    chosen = {index: rows[index] for index in indices}
    if plan.overlong == "drop":
        chosen = {index: row for index, row in chosen.items() if len(row.tokens) <= plan.max_seq_length}
    elif plan.overlong == "keep-answer":
        chosen = {index: keep_answer(row, plan.max_seq_length) for index, row in chosen.items()}
    return {index: row for index, row in chosen.items() if row.learned(plan.max_seq_length).size}


def _measured(name: str, fixed: FixedRows, sums: dict[int, Sums]) -> Measured:
    sets = {name: [sums[index] for index in indices if index in sums] for name, indices in fixed.sets.items()}
    there = {name: rows for name, rows in sets.items() if rows}
    return Measured(name=name, sets=there, per_category=fixed.per_category, rows_hash=fixed.hash)


def _row_sums(model: Any, rows: dict[int, TokenRow], plan: TrainingPlan) -> dict[int, Sums]:
    ordered = sorted(rows, key=lambda index: len(rows[index].tokens))
    halves = split_model(model, rows[ordered[0]].tokens)
    found: dict[int, Sums] = {}
    with attention_in_blocks(model):
        for start in range(0, len(ordered), plan.batch_size):
            batch = ordered[start : start + plan.batch_size]
            group = make_group([rows[index] for index in batch], plan.max_seq_length)
            losses, right = _token_losses(model, halves, group)
            of_row = group.places // group.inputs.shape[1]
            for number, index in enumerate(batch):
                own = of_row == number
                found[index] = float(losses[own].sum()), int(right[own].sum()), int(own.sum())
    return found


def _token_losses(model: Any, halves: Halves | None, group: Group) -> tuple[np.ndarray, np.ndarray]:
    """Of each learned token the loss in nats, and whether it was the most probable one. Logits exist in chunks."""
    inputs, targets = mx.array(group.inputs), mx.array(group.targets)
    if halves is None:
        states = model(inputs).flatten(0, 1)[mx.array(group.places)]
    else:
        states = halves.hidden(inputs, group.places, None)
    losses, right = [], []
    for start in range(0, len(group.targets), CHUNK):
        chunk, wanted = states[start : start + CHUNK], targets[start : start + CHUNK]
        logits = (chunk if halves is None else halves.head(chunk)).astype(mx.float32)
        loss = mx.logsumexp(logits, axis=-1) - mx.take_along_axis(logits, wanted[:, None], axis=-1)[:, 0]
        hit = mx.argmax(logits, axis=-1) == wanted
        mx.eval(loss, hit)
        losses.append(np.asarray(loss, np.float64))
        right.append(np.asarray(hit))
    return np.concatenate(losses), np.concatenate(right)


if __name__ == "__main__":
    main()
