"""The child that measures: `python -m punie.child punie.experiment.completion_worker MODEL WEIGHTS PROGRAMS OUTPUT`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import mlx.core as mx
import msgspec
import numpy as np

from punie.experiment.completion import Measured, judge
from punie.files import read_jsonl, write_jsonl
from punie.training.student import load_model

_AT_ONCE = 32
Rows = Sequence[Mapping[str, Any]]


def measure_rows(model: Any, tokenizer: Any, rows: Rows) -> Iterator[Measured]:
    """In the order of their lengths."""
    ordered = sorted(rows, key=lambda row: len(row["text"]))
    for start in range(0, len(ordered), _AT_ONCE):
        batch = ordered[start : start + _AT_ONCE]
        for row, (logs, hits) in zip(batch, _looked_at(model, tokenizer, batch), strict=True):
            yield judge(row, logs, hits)


def _looked_at(model: Any, tokenizer: Any, rows: Rows) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each row, of every token after the first: its log-probability, and whether it was the most probable one."""
    texts = [[*tokenizer.encode(row["text"]), tokenizer.eos_token_id] for row in rows]
    inputs = np.zeros((len(texts), max(map(len, texts))), np.int32)
    for line, text in zip(inputs, texts, strict=True):
        line[: len(text)] = text
    targets = mx.array(inputs[:, 1:])
    logits = model(mx.array(inputs[:, :-1])).astype(mx.float32)
    chosen = mx.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    logs, hits = np.asarray(chosen - mx.logsumexp(logits, axis=-1)), np.asarray(mx.argmax(logits, axis=-1) == targets)
    for number, text in enumerate(texts):
        yield logs[number, : len(text) - 1].astype(np.float64), hits[number, : len(text) - 1]


def main() -> None:
    folder, weights, programs, output = sys.argv[1:]
    model, tokenizer = load_model(folder)
    model.load_weights(list(cast(dict[str, mx.array], mx.load(weights)).items()))
    model.eval()
    found = {one.id: one for one in measure_rows(model, tokenizer, [row for _, row in read_jsonl(Path(programs))])}
    order = [row["id"] for _, row in read_jsonl(Path(programs))]
    write_jsonl(Path(output), (msgspec.to_builtins(found[name]) for name in order))


if __name__ == "__main__":
    main()
