"""The child that measures rows: `python -m punie.child punie.training.row_loss_worker ASKED ANSWERS`.

The loss is training's own, of one row at a time, with the same tokens and the same cut: what a validation over these
rows would average.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlx.core as mx
import msgspec

from punie.data.schema import row_problem, row_shape
from punie.data.source import SourceRow, open_source, read_rows
from punie.errors import DataError, PunieError
from punie.training import memory
from punie.training.attention import attention_in_blocks
from punie.training.batches import TokenRow, make_group
from punie.training.head import split_model
from punie.training.loss import measured_loss
from punie.training.masking import MASKERS
from punie.training.metrics import Failed
from punie.training.row_loss import Answered, Asked, RowLoss, RowRefused
from punie.training.rows import Split
from punie.training.student import load_model
from punie.training.tokens import token_rows


def main() -> None:
    asked = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Asked)
    with Path(sys.argv[2]).open("ab", buffering=0) as out:
        try:
            for answer in _answers(asked):
                out.write(msgspec.json.encode(answer) + b"\n")
        except PunieError as error:
            out.write(msgspec.json.encode(Failed.of(error)) + b"\n")


def _answers(asked: Asked) -> Iterator[Answered]:
    memory.require_weights_fit(Path(asked.model), memory.allowed(None))
    model, tokenizer = load_model(asked.model)
    model.freeze()
    model.eval()
    judge = _Judge(model, tokenizer, asked.max_seq_length)
    with attention_in_blocks(model):
        for row in read_rows(open_source(Path(asked.source))):
            yield judge.answer(row)


class _Judge:
    def __init__(self, model: Any, tokenizer: Any, limit: int) -> None:
        self._model, self._tokenizer, self._limit = model, tokenizer, limit
        self._loss = measured_loss(split_model(model, tokenizer.encode("a row to try the halves of the model on")))

    def answer(self, row: SourceRow) -> Answered:
        place = row.split, row.number
        if (problem := row_problem(row.row)) is not None:
            return RowRefused(*place, "cannot be taught from", problem)
        if row_shape(row.row) != "text" and not self._tokenizer.has_chat_template:
            return RowRefused(*place, "the model has no chat template", "")
        try:
            tokens = self._tokens(row)
        except DataError as error:
            return RowRefused(*place, "the chat template cannot render it, or tell its answers", error.what)
        learned = len(tokens.learned(self._limit))
        if not learned:
            return RowRefused(*place, f"no token of the answer is within the first {self._limit}", "")
        loss = self._sum(tokens) / learned
        if not math.isfinite(loss):
            return RowRefused(*place, "the loss is not a number", str(loss))
        return RowLoss(*place, loss, learned)

    def _tokens(self, row: SourceRow) -> TokenRow:
        shape = row_shape(row.row)
        masker = MASKERS["none" if shape == "text" else "assistant"]
        return token_rows(Split(row.path, shape, (row.row,)), self._tokenizer, masker)[0]

    def _sum(self, row: TokenRow) -> float:
        """Nats over the tokens that would be learned."""
        group = make_group([row], self._limit)
        total: Any = self._loss(self._model, mx.array(group.inputs), group.places, mx.array(group.targets), None)
        return total.item()


if __name__ == "__main__":
    main()
